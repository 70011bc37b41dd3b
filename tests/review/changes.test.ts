import assert from "node:assert/strict";
import { changes, reviewMarkdown } from "../../review/changes";
import { stack } from "../support/stacks";

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
  it("tells each change in words, and marks what concerns every service", () => {
    const text = reviewMarkdown("test", changes(before, after));
    assert.equal(
      text,
      [
        "### test",
        "",
        "- ⚠️ **gateway-wide**: gateway.tls.cipherSuites added: ECDHE-RSA-AES128-GCM-SHA256",
        "- **orders**: apps/orders-next:80 5 % → 20 %, on /",
        "- **logs**: removed, https://logs.example.test answers no more",
        "- **web**: rateLimit.requests 100 → 50",
        "- **web**: timeouts.request 30s → 5s, on /",
        "- **grafana**: new, https://grafana.example.test",
        "",
      ].join("\n"),
    );
  });

  it("says that nothing changed", () => {
    assert.deepEqual(changes(before, before), []);
    assert.match(reviewMarkdown("test", []), /^No change\.$/m);
  });

  it("tells new, moved and removed rules and policies", () => {
    const paths = (...list: unknown[]) => stack({ services: [service("web", { paths: list })] });
    const moved = paths({ path: "/", backends: [{ service: "other" }] }, "/new");
    assert.deepEqual(
      changes(paths("/", "/old"), moved).map(({ text }) => text),
      ["no rule for /old any more", "/ goes to apps/other:80, before to apps/web:80", "new rule for /new: apps/web:80"],
    );
    const limited = stack({ services: [service("web", { rateLimit: { type: "local", requests: 1, per: "hour" } })] });
    const plain = stack({ services: [service("web")] });
    const added = changes(plain, limited).map(({ text }) => text);
    assert.deepEqual(added, ["rateLimit added: type local, requests 1, per hour"]);
    assert.match(changes(limited, plain)[0]?.text ?? "", /^rateLimit removed: /);
    const retried = stack({ services: [service("web", { retry: { attempts: 2 } })] });
    assert.deepEqual(
      changes(plain, retried).map(({ text }) => text),
      ["retry added: attempts 2, on /"],
    );
  });

  it("shows no certificate", () => {
    const certificate = { ...before.certificate, mode: "ca-signed", caCertificate: "-----BEGIN CERTIFICATE-----\nx" };
    const [first] = changes(before, { ...before, certificate } as typeof before).filter(({ text }) =>
      text.includes("caCertificate"),
    );
    assert.equal(first?.text, "certificate.caCertificate added: (PEM)");
  });
});
