import assert from "node:assert/strict";
import { misdirectedPatches } from "../../../components/entry/misdirected";
import { envoyFilterPatches } from "../../../components/envoyFilters";
import { filterMap } from "../../support/filterMap";
import { stack } from "../../support/stacks";

const web = { name: "web", namespace: "apps" };
const patches = (services: unknown[], more: Record<string, unknown> = {}) =>
  misdirectedPatches(stack({ ...more, services }));

const FILTER = {
  "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
  abort: { http_status: 421, percentage: { numerator: 100, denominator: "HUNDRED" } },
};

describe("components/misdirected", () => {
  it("patches nothing for a single listener", () => {
    assert.deepEqual(patches([web, { ...web, name: "api" }]), []);
    const keys = JSON.stringify(envoyFilterPatches(stack({ services: [{ ...web, retry: { attempts: 1 } }] })));
    assert.doesNotMatch(keys, /misdirected/);
  });

  it("answers 421 for every host that the stack has, where its connection's listener has none for it", () => {
    const own = { certificate: { type: "existing", secretName: "own" } };
    const services = [
      { ...web, hosts: ["web.example.test", { host: "example.test", redirect: 308 }] },
      { ...web, name: "deep", host: "a.b.example.test", ...own },
      { ...web, name: "rest", host: "*.example.test" },
    ];
    assert.deepEqual(filterMap(patches(services), "misdirected"), {
      filters: {
        "-_web.example.test:443": FILTER,
        "-_example.test:443": FILTER,
        "-_a.b.example.test:443": FILTER,
        "*.example.test:443_a.b.example.test:443": FILTER,
      },
      otherwise: undefined,
      patterns: { "-_[^.]+\\.example\\.test:443": FILTER },
    });
  });

  it("answers for a host that a wildcard of another listener would take, of which a passed-on host may be one", () => {
    const any = { ...web, name: "any", host: "*" };
    const passed = { ...web, name: "passed", protocol: "tls-passthrough", host: "passed.test" };
    const tls = { gateway: { tls: { groups: false } } };
    const found = filterMap(patches([web, any, passed], tls), "misdirected");
    assert.deepEqual(Object.keys(found.filters), [
      "-_web.example.test:443",
      "*:443_web.example.test:443",
      "-_passed.test:443",
      "*:443_passed.test:443",
    ]);
    const rest = { ...web, name: "rest", host: "*.example.test" };
    const { patterns = {} } = filterMap(patches([rest, any]), "misdirected");
    assert.deepEqual(Object.keys(patterns), ["-_[^.]+\\.example\\.test:443|\\*:443_[^.]+\\.example\\.test:443"]);
  });

  it("leaves a host to the wildcard of its own listener", () => {
    const own = { certificate: { type: "existing", secretName: "own" } };
    const services = [
      web,
      { ...web, name: "rest", host: "*.example.test" },
      { ...web, name: "deep", host: "a.b.c", ...own },
    ];
    assert.deepEqual(Object.keys(filterMap(patches(services), "misdirected").filters), [
      "-_web.example.test:443",
      "-_a.b.c:443",
    ]);
  });

  it("finds the key in what route-keys writes down, before any other filter looks", () => {
    const all = envoyFilterPatches(stack({ services: [web, { ...web, name: "apex", host: "example.test" }] }));
    const priority = (feature: string) => all.find((one) => one.feature === feature)?.priority ?? 0;
    // Each is inserted as the first, so the last comes first.
    assert.ok(priority("misdirected") > priority("cors") && priority("route-keys") > priority("misdirected"));
    assert.match(JSON.stringify(all), /%CEL\(xds\.virtual_host_name\)%_%REQ\(:AUTHORITY\)%:443/);
  });
});
