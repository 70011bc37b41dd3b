import assert from "node:assert/strict";
import { redirectsOf } from "../../../config/resolve/redirects";
import { refuses as refusesConfig, mistakes, plain, stack } from "../../support/stacks";

const web = (more: object = {}) => ({ name: "web", namespace: "apps", ...more });
const api = (more: object = {}) => ({ name: "api", namespace: "apps", listenPort: 8443, ...more });

function refuses(services: object[], path: string, reason: RegExp): void {
  refusesConfig({ services }, path, reason);
}

describe("config/listenPort", () => {
  it("is a listener of its own, with the certificate of the domain", () => {
    const { listeners, certificates } = stack({ services: [web(), api(), api({ name: "other", namespace: "more" })] });
    assert.deepEqual(
      plain(listeners.map(({ name, hostname, port, namespaces }) => [name, hostname, port, namespaces])),
      [
        ["https", "*.example.test", 443, ["apps"]],
        ["https---8443", "*.example.test", 8443, ["apps", "more"]],
      ],
    );
    assert.equal(certificates.length, 1);
  });

  it("is where plain HTTP leads, by host, unless the host is on 443 too", () => {
    const both = api({ name: "both", host: "web.example.test", paths: ["/else"] });
    assert.deepEqual(redirectsOf(stack({ services: [web(), api(), both] })), [
      { port: 443, hostnames: ["*.example.test"] },
      { port: 8443, hostnames: ["api.example.test"] },
    ]);
    assert.deepEqual(redirectsOf(stack({ services: [web({ plainHttp: true }), api()] })), [
      { port: 443, hostnames: ["*.example.test"] },
      { port: 8443, hostnames: ["api.example.test"] },
    ]);
  });

  it("lets two services have one host and path on two ports", () => {
    assert.deepEqual(mistakes({ services: [web(), api({ host: "web.example.test", access: { public: true } })] }), []);
    refuses(
      [api(), api({ name: "twice", host: "api.example.test" })],
      "services[1].paths[0].path",
      /services\[0\]\.paths\[0\] does not claim/,
    );
  });

  it("refuses ports that are taken or that Istio needs, and the host *", () => {
    refuses([api({ listenPort: 80 })], "services[0].listenPort", /a port other than 80,/);
    refuses([api({ listenPort: 15_021 })], "services[0].listenPort", /health checks/);
    refuses([api({ host: "*" })], "services[0].listenPort", /plain HTTP for every host/);
    const tcp = { name: "sql", namespace: "db", protocol: "tcp", listenPort: 8443 };
    refuses([api(), tcp], "services[1].listenPort", /services\[0\] does not have: tcp takes all of it/);
  });
});
