import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../../config/load/load";
import { ConfigError } from "../../../config/values/problem";
import { refuses as refusesConfig, mistakes, stack } from "../../support/stacks";

const service = (errorPages: unknown, more: object = {}) => ({
  services: [{ name: "web", namespace: "apps", errorPages, ...more }],
});

/** Asserts that error pages have exactly one mistake. */
function refuses(errorPages: unknown, path: string, reason: RegExp): void {
  refusesConfig(service(errorPages), `services[0].errorPages${path}`, reason);
}

describe("config/errorPages", () => {
  const page = (html: unknown) => ({ pages: [{ html }] });

  it("are the gateway's, unless a service has its own or turns them off; gRPC has none", () => {
    const gateway = { errorPages: {} };
    const of = (values: object) => stack({ gateway, ...values }).services[0]?.errorPages;
    assert.deepEqual(of({}), { pages: [], backendErrors: false });
    assert.deepEqual(of(service({ backendErrors: true })), { pages: [], backendErrors: true });
    assert.equal(of(service(false)), undefined);
    assert.equal(of(service(undefined, { protocol: "grpc" })), undefined);
    assert.equal(stack().services[0]?.errorPages, undefined);
  });

  it("refuse variables that could carry scripts, and texts that are none", () => {
    for (const html of ["${path}", "${host}", "${}", "${claim.sub}"]) {
      refuses(page(html), ".pages[0].html", /with no other variables than \$\{status\}, \$\{title\}, \$\{requestId\}$/);
    }
    refuses(page(""), ".pages[0].html", /a page in HTML that is not empty$/);
    refuses(page("x".repeat(16_385)), ".pages[0].html", /of at most 16384 characters$/);
    refuses(page(7), ".pages[0].html", /a page in HTML, as a text or \{ file: PATH \}$/);
    refuses({ pages: [{ json: "{" }] }, ".pages[0].json", /a text in JSON$/);
    refuses({ pages: [{ json: '{"a":${title}}' }] }, ".pages[0].json", /a text in JSON$/);
    refuses({ pages: [{ statuses: [404] }] }, ".pages[0]", /at least one of html, json$/);
  });

  it("refuse statuses that are no errors", () => {
    for (const status of [200, 399, 600, "3xx", "404", 404.5]) {
      refuses({ pages: [{ statuses: [status], html: "a" }] }, ".pages[0].statuses[0]", /from 400 to 599, 4xx or 5xx$/);
    }
    refuses({ pages: [{ statuses: [], html: "a" }] }, ".pages[0].statuses", /at least one status$/);
  });

  it("are refused for gRPC and for connections", () => {
    const [grpc] = mistakes(service({}, { protocol: "grpc" }));
    assert.match(grpc ?? "", /errorPages: .*not allowed for gRPC: its clients read errors from trailers$/);
    const [stream] = mistakes(service({}, { protocol: "tls-passthrough" }));
    assert.match(stream ?? "", /errorPages: .*the gateway reads no requests there$/);
  });

  describe("from files", () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), "pages-"));
      mkdirSync(join(folder, "pages"));
      writeFileSync(join(folder, "pages", "error.html"), "<h1>${title}</h1>\n");
      writeFileSync(join(folder, "bad.html"), "${path}");
    });
    after(() => rmSync(folder, { recursive: true }));

    const load = (html: unknown) =>
      loadConfig({
        project: "istio-gateway",
        folder,
        values: { domain: "example.test", gateway: { errorPages: page(html) }, ...service(page(html)) },
        secretKeys: new Set(),
      });
    const lines = (html: unknown) => {
      try {
        load(html);
      } catch (error) {
        assert.ok(error instanceof ConfigError);
        return error.message.split("\n").slice(1);
      }
      return [];
    };

    it("are read below the project's folder", () => {
      const { gateway, services } = load({ file: "pages/error.html" });
      assert.equal(gateway.errorPages?.pages[0]?.html, "<h1>${title}</h1>\n");
      assert.equal(services[0]?.errorPages?.pages[0]?.html, "<h1>${title}</h1>\n");
    });

    it("are refused where they are missing, elsewhere, or hold what a text may not", () => {
      for (const [file, reason] of [
        ["none.html", /"none\.html", expected a file below the project's folder that can be read$/],
        ["pages", /"pages", expected a file below the project's folder that can be read$/],
        ["../pages/error.html", /as a text or \{ file: PATH \}$/],
        ["/etc/hostname", /as a text or \{ file: PATH \}$/],
        ["bad.html", /with no other variables/],
      ] as const) {
        const found = lines({ file });
        assert.equal(found.length, 2, found.join("\n"));
        found.forEach((line) => assert.match(line, reason));
      }
    });
  });
});
