import assert from "node:assert/strict";
import { routeAnnotations } from "../../../components/shared/externalDns";
import { refuses, stack } from "../../support/stacks";

const web = (externalDns: unknown, more: object = {}) => ({ name: "web", namespace: "apps", externalDns, ...more });
const DNS = { gateway: { externalDns: {} } };

describe("config/externalDns", () => {
  it("is the service's beside the gateway's, with both prefixes on its routes", () => {
    const [service] = stack({ ...DNS, services: [web({ annotations: { "aws-weight": "10" } })] }).services;
    assert.deepEqual(routeAnnotations(service?.externalDns), {
      "external-dns.alpha.kubernetes.io/aws-weight": "10",
      "external-dns.kubernetes.io/aws-weight": "10",
      "external-dns.alpha.kubernetes.io/ttl": "300",
      "external-dns.kubernetes.io/ttl": "300",
    });
    const [silent] = stack({ ...DNS, services: [web(false)] }).services;
    assert.equal(routeAnnotations(silent?.externalDns)?.["external-dns.kubernetes.io/controller"], "none");
    assert.equal(routeAnnotations(stack().services[0]?.externalDns), undefined);
  });

  it("refuses what external-dns would not do", () => {
    refuses({ services: [web({ ttl: "1m" })] }, "services[0].externalDns", /gateway\.externalDns too/);
    const other = { name: "api", namespace: "apps", host: "web.example.test", paths: ["/api"] };
    refuses({ ...DNS, services: [web(false), other] }, "services[1].externalDns", /both serve web\.example\.test/);
    const target = ["a.test", "b.test"];
    refuses({ gateway: { externalDns: { target } } }, "gateway.externalDns.target", /IP addresses, or a single name/);
    const annotations = { "external-dns.kubernetes.io/x": "1" };
    refuses(
      { ...DNS, services: [web({ annotations })] },
      "services[0].externalDns.annotations.external-dns.kubernetes.io/x",
      /without external-dns's prefix/,
    );
  });
});
