import assert from "node:assert/strict";
import { diagnose } from "../../verify/diagnosis";
import { isGatewaysOwn } from "../../verify/expectations";
import { row, skipped, summary, table } from "../../verify/row";
import { checked, stack } from "../support/stacks";

describe("verify/row", () => {
  const rows = [
    row("dns", "a name resolves", true, "10.0.0.1", { cause: "unused" }),
    row("routes", "https://x/ answers", false, "503", { cause: "nothing listens", more: "kubectl get pods" }),
    skipped("proxies", "in sync", "istioctl is not installed"),
  ];

  it("aligns what was seen, and shows causes only for failures", () => {
    assert.deepEqual(table(rows, false).split("\n"), [
      "  ok    a name resolves     10.0.0.1",
      "  FAIL  https://x/ answers  503",
      "        nothing listens",
      "        more: kubectl get pods",
      "  skip  in sync             istioctl is not installed",
    ]);
    assert.equal(summary(rows), "1 of 3 checks passed, 1 failed, 1 skipped");
  });

  it("colours marks on request", () => {
    assert.match(table(rows, true), /^ {2}\x1b\[32mok {2}\x1b\[0m/); // eslint-disable-line no-control-regex -- the colour
    assert.ok(!table(rows, false).includes("\x1b"));
  });
});

describe("verify/diagnosis", () => {
  const because = (status: number, body = "", error?: string) =>
    diagnose({ status, body, error, headers: {} }, "web.example.test", stack()).cause ?? "";

  it("distinguishes why a backend does not answer", () => {
    assert.match(because(0, "", "connect ECONNREFUSED"), /proxies are down.*ECONNREFUSED/);
    assert.match(because(403, "RBAC: access denied"), /access rule/);
    assert.match(because(403, "forbidden"), /the backend itself answers 403/);
    assert.match(because(404), /no route/);
    assert.match(because(404, "not here"), /the backend itself answers 404/);
    assert.match(because(500), /does not exist/);
    assert.match(because(503, "no healthy upstream"), /no healthy endpoint/);
    assert.match(because(503, "upstream connect error or disconnect"), /nothing listens/);
    assert.match(because(504, "upstream request timeout"), /timeout/);
  });

  it("takes error pages for the gateway's own answers, whatever they say", () => {
    const because = (status: number, more = {}) => {
      const services = [{ name: "web", namespace: "apps", ...more }];
      const answer = { status, body: "<h1>Sorry</h1>", headers: { "proxy-status": "unified-gateway" } };
      assert.equal(isGatewaysOwn(answer), true);
      return diagnose(answer, "web.example.test", stack({ gateway: { errorPages: {} }, services })).cause ?? "";
    };
    assert.match(because(403), /access rule/);
    assert.match(because(404), /no route/);
    assert.match(because(500), /does not exist/);
    assert.match(because(503), /^errorPages hides which/);
    assert.match(because(503, { fault: { abort: { status: 503 } } }), /^fault\.abort/);
    const theirs = { status: 404, body: "<h1>Sorry</h1>", headers: { "proxy-status": "cdn.example" } };
    assert.equal(isGatewaysOwn(theirs), false);
  });

  it("points at the route of the service whose path was asked for, not of another one of the host", () => {
    const host = "app.example.test";
    const config = stack({
      services: [
        { name: "site", host, namespace: "apps" },
        { name: "calls", host, namespace: "other", paths: ["/api"] },
      ],
    });
    const answer = { status: 404, body: "", headers: {} };
    assert.match(
      diagnose(answer, host, config, config.services[1]).more ?? "",
      /httproute calls\.unified-gateway\.istio-system -n other/,
    );
    assert.match(diagnose(answer, host, config).more ?? "", /httproute site\.unified-gateway\.istio-system -n apps/);
  });

  it("reminds of ports by name, whose numbers may have changed", () => {
    const cause = (port: unknown) => {
      const config = checked({ services: [{ name: "web", namespace: "apps", port }] });
      return diagnose({ status: 500, body: "", headers: {} }, "web.example.test", config).cause ?? "";
    };
    assert.match(cause("http"), /no such port \(pulumi up looks ports by name up again\), or/);
    assert.match(cause(80), /no such port, or/);
  });

  it("names a fault, whatever the status, and a delay longer than it waits", () => {
    for (const status of [200, 403, 404, 429, 500, 503, 504]) {
      assert.match(because(status, "fault filter abort"), /^fault\.abort of the service/);
    }
    const delayed = (duration: string) => {
      const config = stack({ services: [{ name: "web", namespace: "apps", fault: { delay: { duration } } }] });
      const answer = { status: 0, body: "", error: "no answer within 15 s", headers: {} };
      return diagnose(answer, "web.example.test", config).cause ?? "";
    };
    assert.match(delayed("20s"), /^fault\.delay of the service delays requests by 20s, and verify waits 15 s$/);
    assert.match(delayed("1s"), /proxies are down/);
  });
});
