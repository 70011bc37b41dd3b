import assert from "node:assert/strict";
import { envoyFilterPatches, httpFilterNames } from "../../../components/envoyFilters";
import { redirectParts, redirectSpec } from "../../../components/entry/httpsRedirect";
import { gatewaySpec } from "../../../components/entry/tlsGateway";
import { routeSpec } from "../../../components/routing/routes";
import { filterMap } from "../../support/filterMap";
import { stack } from "../../support/stacks";

const DIRECT = { gateway: { clientAddress: { trustedProxies: 0 } } };
const services = [
  { name: "web", namespace: "apps", access: { allow: ["10.0.0.0/8"] } },
  { name: "api", namespace: "apps", listenPort: 8443, access: { deny: ["10.0.0.0/8"] } },
  { name: "old", namespace: "apps", plainHttp: true },
];

describe("components/ports", () => {
  const config = stack({ ...DIRECT, services });
  const patches = envoyFilterPatches(config);

  it("has the filters of routes on every port where services are served, once each", () => {
    const access = patches.find(({ feature }) => feature === "access")?.patches ?? [];
    const ports = access.flatMap(({ match }) => match.listener?.portNumber ?? []);
    assert.deepEqual(ports, [80, 443, 8443]);
    assert.equal(access.filter(({ applyTo }) => applyTo === "EXTENSION_CONFIG").length, 1);
    const names = httpFilterNames(config);
    assert.equal(new Set(names).size, names.length);
    const hardened = patches.find(({ feature }) => feature === "hardening")?.patches ?? [];
    const managers = hardened.filter(({ applyTo }) => applyTo === "NETWORK_FILTER");
    assert.deepEqual([...new Set(managers.map(({ match }) => match.listener?.portNumber))], [80, 443, 8443]);
  });

  it("knows a host by its port, and leaves redirects on port 80 to everybody", () => {
    const access = patches.find(({ feature }) => feature === "access")?.patches ?? [];
    const { filters } = filterMap(access, "access");
    assert.deepEqual(Object.keys(filters).sort(), [
      "*.example.test:80",
      "-",
      "api.example.test:80",
      "api.example.test:8443",
      "old.example.test:443",
      "old.example.test:80",
      "web.example.test:443",
    ]);
    assert.ok(filters["web.example.test:443"] !== undefined && filters["*.example.test:80"] === undefined);
  });

  it("patches port 443 alone if nothing is elsewhere", () => {
    const only = envoyFilterPatches(stack({ ...DIRECT, services: services.slice(0, 1) }));
    const access = only.find(({ feature }) => feature === "access")?.patches ?? [];
    assert.deepEqual(
      access.flatMap(({ match }) => match.listener?.portNumber ?? []),
      [443],
    );
  });

  it("attaches routes to the listeners of their ports, and redirects to these", () => {
    const gateway = { name: "edge", namespace: "edge" };
    const sections = config.services.map((service) =>
      routeSpec({ service, gateway }).parentRefs.map(({ sectionName }) => sectionName),
    );
    assert.deepEqual(sections, [["https"], ["https---8443"], ["https", "host-old-example-test---80"]]);
    const { listeners } = gatewaySpec({
      config: config.gateway,
      listeners: config.listeners.map(({ clientCertificates: _, ...listener }) => listener),
      plainListeners: config.plainListeners,
      protect: false,
    });
    assert.deepEqual(
      listeners.map(({ name, port, protocol, hostname }) => [name, port, protocol, hostname]),
      [
        ["http", 80, "HTTP", undefined],
        ["host-old-example-test---80", 80, "HTTP", "old.example.test"],
        ["https", 443, "HTTPS", "*.example.test"],
        ["https---8443", 8443, "HTTPS", "*.example.test"],
      ],
    );
    const { rules } = redirectSpec({ gateway, port: 8443, hostnames: ["api.example.test"] });
    assert.match(JSON.stringify(rules), /"port":8443/);
    assert.deepEqual([redirectParts({}), redirectParts({ page: 2, port: 8443 })], [[], ["to-8443", "2"]]);
  });
});
