import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backendsOf, gatewayConfig, type StackConfig } from "../../../config";
import { loadConfig } from "../../../config/load/load";
import { loadStackFile } from "../../../config/load/stackFile";
import { checked, mistakes } from "../../support/stacks";

type Values = Record<string, unknown>;

const web = (more: Values): Values => ({ services: [{ name: "web", namespace: "apps", ...more }] });
const targets = ({ services }: StackConfig) =>
  services.flatMap(backendsOf).map(({ namespace, service, port }) => `${namespace}/${service}:${port}`);
const versions = { selector: { app: "web" } };

describe("config/ports", () => {
  it("are numbers, or names of the form that Kubernetes takes", () => {
    const expected = "expected a port from 1 to 65535 without quotes, or its name: 1 to 63 of a-z, 0-9 and '-'";
    for (const port of ["8080", "Http", "-a", "a.b", "", "p".repeat(64)]) {
      const [mistake, ...more] = mistakes(web({ port }));
      assert.deepEqual([mistake?.replace(/^.*?, (?=expected)/, ""), more], [expected, []]);
    }
    assert.match(mistakes(web({ port: 65_536 })).join(), /port: 65536, expected a port from 1 to 65535$/);
    for (const port of ["http", "9p", "a--b", "p".repeat(63)]) {
      assert.deepEqual(mistakes(web({ port })), []);
    }
  });

  it("of pods are at most 15 characters long", () => {
    const target = (targetPort: unknown) =>
      mistakes(web({ canary: { versions: { ...versions, targetPort }, percent: 1 } }));
    for (const name of ["p".repeat(16), "a--b", "80"]) {
      assert.match(target(name).join(), /versions\.targetPort: .*, or its name: 1 to 15 of a-z, 0-9 and single '-'$/);
    }
    assert.deepEqual(target("p".repeat(15)), []);
  });

  it("by name are looked up in each Service, whoever inherits them", () => {
    const config = checked(
      web({
        port: "http",
        canary: { service: "next", namespace: "beta", percent: 1 },
        mirror: { service: "copy", port: "copies" },
        paths: [
          "/",
          {
            path: "/own",
            port: "own",
            backends: [{ service: "a" }, { service: "b", port: 1 }, { service: "c", port: "c" }],
          },
          { path: "/off", mirror: false },
          { path: "/mirror", mirror: { service: "copy" } },
        ],
      }),
    );
    assert.deepEqual(
      config.namedPorts.map(({ path, namespace, service, port }) => `${path}: ${namespace}/${service}:${port}`),
      [
        "services[0].port: apps/web:http",
        "services[0].port: beta/next:http",
        "services[0].mirror.port: apps/copy:copies",
        "services[0].paths[1].port: apps/a:own",
        "services[0].paths[1].backends[2].port: apps/c:c",
        "services[0].port: apps/copy:http",
      ],
    );
    assert.deepEqual(checked().namedPorts, []);
  });

  it("cannot be names where the program makes the Services", () => {
    const canary = { versions, percent: 1 };
    const expected =
      "expected a number: canary.versions makes both Services with this port; versions.targetPort may be the name of the pods' port";
    assert.deepEqual(mistakes(web({ port: "http", canary })), [`istio-gateway:services[0].port: "http", ${expected}`]);
    assert.deepEqual(mistakes(web({ canary, paths: ["/", { path: "/a", port: "a" }] })), [
      `istio-gateway:services[0].paths[1].port: "a", ${expected}`,
    ]);
    // Other Services behind the same host may be asked.
    const others = {
      mirror: { service: "copy", port: "http" },
      paths: ["/", { path: "/a", port: "a", backends: [{ service: "a" }] }],
    };
    assert.deepEqual(mistakes(web({ canary, ...others })), []);
    const [service] = checked(
      web({ port: 8080, canary: { versions: { ...versions, targetPort: "web" }, percent: 1 } }),
    ).services;
    assert.deepEqual(
      service?.versions.map(({ ports }) => ports),
      [[{ port: 8080, targetPort: "web" }], [{ port: 8080, targetPort: "web" }]],
    );
  });

  it("need numbers, or files, where no cluster is asked", () => {
    const expected =
      "expected the number of a port, or the Service apps/web in a file of kubernetes.services: no cluster is asked for it";
    assert.deepEqual(mistakes({ ...web({ port: "http" }), kubernetes: { renderDirectory: "out" } }), [
      `istio-gateway:services[0].port: "http", ${expected}`,
    ]);
    const services = [{ name: "web", namespace: "apps", port: "http" }];
    assert.throws(() => gatewayConfig({ domain: "example.test", services }), {
      message: `stack config has 1 mistake, nothing was changed:\n  services[0].port (web): "http", ${expected}`,
    });
  });

  describe("in files", () => {
    let folder: string;
    beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "ports-"))));
    afterEach(() => rmSync(folder, { recursive: true }));

    const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
    const load = (values: Values, kubernetes: Values = {}) =>
      loadConfig({
        project: "istio-gateway",
        folder,
        values: { domain: "example.test", ...values, kubernetes: { services: ["services.yaml"], ...kubernetes } },
        secretKeys: new Set(),
      });
    const numbers = (text: string, port: unknown = "http"): (number | undefined)[] => {
      write("services.yaml", text);
      return load(web({ port })).namedPorts.map(({ number }) => number);
    };
    const refusal = (text: string | undefined, port = "http"): string => {
      if (text !== undefined) {
        write("services.yaml", text);
      }
      try {
        load(web({ port }));
      } catch (error) {
        return (error as Error).message.split("\n").slice(1).join("\n").trim();
      }
      return "";
    };
    const service = (ports: string, metadata = "name: web, namespace: apps") =>
      `apiVersion: v1\nkind: Service\nmetadata: { ${metadata} }\nspec: { ports: [${ports}] }\n`;
    const HTTP = "{ name: http, port: 8080 }";

    it("are found in a List, as kubectl prints them", () => {
      const indented = service(HTTP).replace(/^/gm, "    ").trim();
      assert.deepEqual(numbers(`apiVersion: v1\nkind: List\nitems:\n  - ${indented}\n`), [8080]);
    });

    it("are found among other documents, as helm template prints them, with or without their namespace", () => {
      const secret =
        "---\n# Source: chart/templates/secret.yaml\napiVersion: v1\nkind: Secret\nmetadata: { name: web }\n";
      const knative = service("{ name: http, port: 1 }").replace("v1", "serving.knative.dev/v1");
      assert.deepEqual(numbers(`${secret}---\n${service(HTTP, "name: web")}---\n${knative}---\n`), [8080]);
      const own = `${service("{ name: http, port: 2 }", "name: web")}---\n${service(HTTP)}`;
      assert.deepEqual(numbers(own), [8080], "the namespace's own first");
    });

    it("are the last ones of a Service that is there twice", () => {
      assert.deepEqual(numbers(`${service("{ name: http, port: 1 }")}---\n${service(HTTP)}`), [8080]);
    });

    it("are unknown if no file has the Service: a cluster is asked, if there is one", () => {
      assert.deepEqual(numbers(service(HTTP, "name: web, namespace: other")), [undefined]);
      assert.throws(() => load(web({ port: "http" }), { renderDirectory: "out" }), /the Service apps\/web in a file/);
    });

    it("are refused with what the Service has instead", () => {
      const at = `istio-gateway:services[0].port (web): "http", expected a port of the Service apps/web:`;
      assert.equal(
        refusal(service("{ name: web, port: 80 }, { port: 9090, name: metrics }")),
        `${at} web (80), metrics (9090)`,
      );
      assert.equal(refusal(service("{ port: 80 }")), `${at} 80`);
      // No HTTP comes over UDP.
      assert.equal(
        refusal(service("{ name: http, port: 53, protocol: UDP }")),
        `${at} it lists none, so write the number`,
      );
    });

    it("are refused, numbers too, where the Service is a name in DNS only", () => {
      const expected = "expected a Service with endpoints: an ExternalName outside the cluster has none";
      const external = service("").replace("spec: { ports: [] }", "spec: { type: ExternalName, externalName: a.test }");
      assert.ok(refusal(external).startsWith(`istio-gateway:services[0].port (web): "http", ${expected}`));
      assert.throws(
        () => load(web({ port: 443 })),
        ({ message }: Error) => message.includes(`services[0].backends (web): "apps/web", ${expected}`),
      );
      assert.throws(() => load(web({ port: 443 })), /has 1 mistake,/);
      // One for another Service of the cluster: Istio follows it.
      const inside =
        "{ type: ExternalName, externalName: api.other.svc.cluster.local, ports: [{ name: http, port: 8080 }] }";
      assert.deepEqual(numbers(service("").replace("{ ports: [] }", inside)), [8080]);
    });

    it("are refused if a file cannot be read, once", () => {
      const at = `istio-gateway:kubernetes.services[0]: "services.yaml", expected a YAML file with Services:`;
      assert.equal(refusal(undefined), `${at} there is no such file`);
      assert.equal(refusal("kind: List\nitems: []\n"), `${at} it has none`);
      assert.equal(refusal(""), `${at} it has none`);
      assert.match(refusal("a: [\n"), /expected a YAML file with Services: Flow sequence .*at line/);
      assert.throws(
        () => load(web({ port: "http" }), { services: ["no.yaml"], renderDirectory: "out" }),
        /has 1 mistake,/,
      );
      const bomb = `a: &a [${"x,".repeat(20)}]\nb: &b [${"*a,".repeat(20)}]\nc: &c [${"*b,".repeat(20)}]\nd: [${"*c,".repeat(20)}]\n`;
      assert.match(refusal(bomb), /Excessive alias count/);
    });

    it("are replaced by their numbers wherever no cluster is asked, and stay names if unknown", () => {
      write("services.yaml", service(HTTP));
      const lines = (port: string) =>
        [
          "config:",
          "  istio-gateway:domain: example.test",
          "  istio-gateway:kubernetes: { services: [services.yaml] }",
          "  istio-gateway:services:",
          `    - { name: web, namespace: apps, port: http, backends: [{ service: web }, { service: other, port: ${port} }] }`,
        ].join("\n");
      write("Pulumi.dev.yaml", lines("http"));
      assert.deepEqual(targets(loadStackFile(join(folder, "Pulumi.dev.yaml"))), ["apps/web:8080", "apps/other:http"]);
    });

    it("are told by their place in a service file", () => {
      write("services.yaml", service(HTTP));
      write("shop.yaml", "- { name: web, namespace: apps, port: htpp }\n");
      assert.throws(
        () => load({ serviceFiles: ["shop.yaml"] }),
        /\n {2}shop\.yaml\[0\]\.port \(web\): "htpp", expected a port of the Service apps\/web: http \(8080\)$/,
      );
    });
  });
});
