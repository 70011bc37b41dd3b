import assert from "node:assert/strict";
import { changes } from "../../review/changes";
import { reviewMarkdown } from "../../review/markdown";
import { checked, stack } from "../support/stacks";

const service = (name: string, more: Record<string, unknown> = {}) => ({ name, namespace: "apps", ...more });

const before = stack({
  services: [
    service("orders", { canary: { service: "orders-next", percent: 5 } }),
    service("logs"),
    service("web", { rateLimit: { type: "local", requests: 100, per: "second" } }),
  ],
});

const after = stack({
  gateway: { tls: { cipherSuites: ["ECDHE-RSA-AES128-GCM-SHA256"] } },
  services: [
    service("orders", { canary: { service: "orders-next", percent: 20 } }),
    service("web", { rateLimit: { type: "local", requests: 50, per: "second" }, timeouts: { request: "5s" } }),
    service("grafana"),
  ],
});

describe("review/changes", () => {
  it("shows a patch of the infrastructure in full, however long it is", () => {
    const env = [{ name: "NAME", value: "x".repeat(200) }];
    const patch = { spec: { template: { spec: { containers: [{ name: "istio-proxy", env }] } } } };
    const patched = (patches: object) => stack({ gateway: { infrastructure: { patches } } });
    const texts = (one: object, other: object) => changes(patched(one), patched(other)).map(({ text }) => text);
    assert.deepEqual(texts({}, { deployment: patch }), [
      `gateway.infrastructure.patches.deployment added: ${JSON.stringify(patch)}`,
    ]);
    const service = (policy: string) => ({ service: { spec: { externalTrafficPolicy: policy } } });
    assert.deepEqual(texts(service("Local"), service("Cluster")), [
      'gateway.infrastructure.patches.service.spec.externalTrafficPolicy "Local" → "Cluster"',
    ]);
  });

  it("says what a further domain, another port and plain HTTP mean", () => {
    const domains = (...names: string[]) => ({ domain: undefined, domains: names });
    const org = service("org", { host: "org.example.org" });
    const one = stack({ ...domains("example.test"), services: [service("web")] });
    const two = stack({ ...domains("example.test", "example.org"), services: [service("web"), org] });
    const texts = (from: typeof one, to: typeof one) => changes(from, to).map(({ text, reach }) => [text, reach]);
    assert.deepEqual(texts(one, two), [
      ["also serves the domain example.org; requests to the others go on", "gateway-wide"],
      ["certificate.names gains *.example.org, example.org", "gateway-wide"],
      ["new, open to all: https://org.example.org", "opens to all"],
    ]);
    assert.deepEqual(texts(two, one).at(0), ["no longer serves the domain example.org", "removal"]);
    const web = (more: object) => stack({ services: [service("web", { ...more })] });
    assert.deepEqual(texts(web({}), web({ listenPort: 8443 })), [["listenPort 443 → 8443", undefined]]);
    assert.deepEqual(texts(web({ plainHttp: true }), web({})), [
      ["http://web.example.test is now redirected, previously served without TLS", undefined],
    ]);
  });

  it("shows a port by name, where nobody knows its number", () => {
    const port = (value: unknown) => checked({ services: [service("web", { port: value })] });
    const texts = (from: unknown, to: unknown) => changes(port(from), port(to)).map(({ text }) => text);
    assert.deepEqual(texts(80, "http"), ["requests go to apps/web:http, previously to apps/web:80, on /"]);
    assert.deepEqual(texts("http", "http"), []);
  });

  it("puts each change in words, and marks its reach", () => {
    assert.deepEqual(changes(before, after), [
      {
        scope: "gateway-wide",
        text: "cipher list added: ECDHE-RSA-AES128-GCM-SHA256",
        reach: "gateway-wide",
      },
      { scope: "orders", text: "canary 5 % → 20 %" },
      { scope: "logs", text: "removed, https://logs.example.test no longer answers", reach: "removal" },
      { scope: "web", text: "timeout 0s → 5s" },
      { scope: "web", text: "rate limit requests 100 → 50" },
      { scope: "grafana", text: "new, open to all: https://grafana.example.test", reach: "opens to all" },
    ]);
  });

  it("reports that nothing changed", () => {
    assert.deepEqual(changes(before, before), []);
    assert.equal(reviewMarkdown("test", []), "### test\n\nNo change.\n");
  });

  const gateway = { clientAddress: { trustedProxies: 0 } };
  const texts = (from: unknown[], to: unknown[]) =>
    changes(stack({ gateway, services: from }), stack({ gateway, services: to })).map(({ text, reach }) => [
      text,
      reach,
    ]);

  it("reports new, moved and removed rules and policies", () => {
    const paths = (...list: unknown[]) => [service("web", { paths: list })];
    assert.deepEqual(texts(paths("/", "/old"), paths({ path: "/", backends: [{ service: "other" }] }, "/new")), [
      ["rule for /old removed", "removal"],
      ["requests go to apps/other:80, previously to apps/web:80, on /", undefined],
      ["new rule for /new: apps/web:80", undefined],
    ]);
    const limited = [service("web", { rateLimit: { type: "local", requests: 1, per: "hour" } })];
    const plain = [service("web")];
    assert.deepEqual(texts(plain, limited), [["rate limit added: type local, requests 1, per hour", undefined]]);
    assert.deepEqual(texts(limited, plain), [["rate limit removed: type local, requests 1, per hour", undefined]]);
    const retried = [service("web", { retry: { attempts: 2 } })];
    assert.deepEqual(texts(plain, retried), [
      ["time for an answer to begin removed: 1m", undefined],
      ["retry added: attempts 2", undefined],
    ]);
  });

  it("lists the paths that a change affects, unless it affects all", () => {
    const slow = { path: "/slow", timeouts: { request: "9s" } };
    const web = (path: unknown, more: object = {}) => [service("web", { paths: ["/", "/api", path], ...more })];
    assert.deepEqual(texts(web("/slow"), web(slow)), [["timeout 0s → 9s, on /slow", undefined]]);
    assert.deepEqual(texts(web(slow), web(slow, { timeouts: { request: "8s" } })), [
      ["timeout 0s → 8s, on /api, /", undefined],
    ]);
    assert.deepEqual(texts(web("/slow"), web("/slow", { timeouts: { request: "8s" } })), [
      ["timeout 0s → 8s", undefined],
    ]);
  });

  it("reports who may enter, and marks what opens to all", () => {
    const open = [service("web")];
    const allow = (...blocks: string[]) => [service("web", { access: { allow: blocks } })];
    const token = { issuer: "https://id.test", jwksUri: "https://id.test/keys", audiences: ["web"] };
    assert.deepEqual(texts(allow("10.0.0.0/8"), open), [
      ["now open to all, previously open to clients from 10.0.0.0/8", "opens to all"],
    ]);
    assert.deepEqual(texts(open, allow("10.0.0.0/8")), [
      ["now open to clients from 10.0.0.0/8, previously open to all", undefined],
    ]);
    assert.deepEqual(texts(allow("10.0.0.0/8"), allow("10.0.0.0/8", "192.0.2.7")), [
      ["access.allow gains 192.0.2.7", undefined],
    ]);
    assert.deepEqual(texts(open, [service("web", { access: { jwt: token } })]), [
      ["now open to clients with a token from https://id.test, previously open to all", undefined],
    ]);
    const other = service("other", { access: { deny: ["192.0.2.7"] } });
    assert.deepEqual(texts(open, [...open, other]), [
      ["new, open to all except 192.0.2.7: https://other.example.test", "opens to all"],
    ]);
  });

  it("says what a path opens and closes, in place of its service", () => {
    const office = { access: { allow: ["10.0.0.0/8"] } };
    const open = { access: { public: true } };
    const web = (more: object, ...paths: unknown[]) => [service("web", { ...more, paths: ["/", ...paths] })];
    const health = (more: object = {}) => ({ path: "/healthz", ...more });
    assert.deepEqual(texts(web(office, health()), web(office, health(open))), [
      ["/healthz: now open to all, previously open to clients from 10.0.0.0/8", "opens to all"],
    ]);
    assert.deepEqual(texts(web(office), web(office, health(open))), [
      ["new rule for /healthz: apps/web:80, open to all", "opens to all"],
    ]);
    assert.deepEqual(
      texts(
        web(office, health(open)),
        web(office, health({ ...open, path: "/", match: { method: "GET" }, name: "healthz" })),
      ),
      [
        ["GET /: open to all", "opens to all"],
        ["path /healthz → /, on /", undefined],
        ["match added: method GET, on /", undefined],
      ],
    );
    assert.deepEqual(texts(web({}, health(office)), web({})), [
      ["rule for /healthz removed, previously open to clients from 10.0.0.0/8", "removal"],
    ]);
    assert.deepEqual(texts(web(office), web({}, health(office))), [
      ["now open to all, previously open to clients from 10.0.0.0/8", "opens to all"],
      ["new rule for /healthz: apps/web:80, open to clients from 10.0.0.0/8", undefined],
    ]);
    assert.deepEqual(texts([service("other")], [service("other"), ...web(office, health(open))]), [
      ["new, open to clients from 10.0.0.0/8: https://web.example.test", undefined],
      ["/healthz: open to all", "opens to all"],
    ]);
    assert.deepEqual(texts(web(office, health(open)), web(office, health({ access: { allow: ["192.0.2.7"] } }))), [
      ["/healthz: now open to clients from 192.0.2.7, previously open to all", undefined],
    ]);
  });

  it("names paths without the rate limit that others have", () => {
    const rateLimit = { type: "local", requests: 5, per: "second" };
    const web = (...paths: unknown[]) => [service("web", { rateLimit, paths: ["/", ...paths] })];
    const off = { path: "/health", rateLimit: false };
    assert.deepEqual(texts(web("/health"), web(off)), [
      ["rate limit removed: type local, requests 5, per second, on /health", undefined],
    ]);
    assert.deepEqual(texts(web(), web(off)), [["new rule for /health: apps/web:80, without a rate limit", undefined]]);
    const tried = { ...off, rateLimit: { ...rateLimit, enforce: false } };
    assert.deepEqual(texts([service("other")], [service("other"), ...web(tried, "/api")]), [
      ["new, open to all: https://web.example.test", "opens to all"],
      ["/health: without a rate limit", undefined],
    ]);
    assert.deepEqual(texts(web(), web("/api")), [["new rule for /api: apps/web:80", undefined]]);
    assert.deepEqual(texts(web("/api"), web({ path: "/api", rateLimit: { ...rateLimit, requests: 50 } })), [
      ["rate limit requests 5 → 50, on /api", undefined],
    ]);
  });

  it("says that a secret changed, and shows none of it", () => {
    const kubeconfig = (text: string) => ({ ...before, kubernetes: { ...before.kubernetes, kubeconfig: text } });
    const told = (from: typeof before, to: typeof before) => changes(from, to).map(({ text }) => text);
    assert.deepEqual(told(before, kubeconfig("one")), ["kubernetes.kubeconfig added"]);
    assert.deepEqual(told(kubeconfig("one"), kubeconfig("two")), ["kubernetes.kubeconfig changed"]);
    assert.deepEqual(told(kubeconfig("one"), before), ["kubernetes.kubeconfig removed"]);
  });

  it("does not show certificates", () => {
    const [own] = before.certificates;
    const config = { ...own?.config, type: "ca-signed", caCertificate: "-----BEGIN CERTIFICATE-----\nx" };
    const [first] = changes(before, { ...before, certificates: [{ ...own, config }] } as typeof before).filter(
      ({ text }) => text.includes("caCertificate"),
    );
    assert.equal(first?.text, "certificate.caCertificate added: (PEM)");
  });
});
