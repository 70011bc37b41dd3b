import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { GatewayMetrics } from "../../components/telemetry/metrics";
import type { RuleGroup } from "../../kinds/ruleGroups";
import { run } from "../../lab/processes";
import { ensureOptional } from "../../lab/tools";
import { only, register } from "../support/deployment";
import { stack } from "../support/stacks";
import { alertCases, HTTP_FILTERS, type AlertCase, type Samples } from "./support/alertCases";

/** Longest time to build promtool on a machine without it. Unit: milliseconds. */
const FIRST_BUILD_MS = 30 * 60_000;
const GATEWAY = { name: "edge", namespace: "gateways" };
/** Length of a test's clock: an hour's window and some time after it. */
const MINUTES = 80;

const CONFIG = stack({
  gateway: GATEWAY,
  telemetry: {
    metrics: { scrape: "config-map" },
    alerts: { availabilityPercent: 99, latency: "200ms" },
  },
  services: [
    {
      name: "shop",
      namespace: "apps",
      port: 8080,
      paths: ["/", "/api"],
      rateLimit: { type: "global", requests: 5, per: "minute" },
    },
    { name: "calls", namespace: "apps", port: 50051, protocol: "grpc" },
  ],
});

/** The rules as the program writes them for Prometheus. */
async function emittedRules(): Promise<{ groups: RuleGroup[] }> {
  const { telemetry, services, rateLimitService } = CONFIG;
  const proxies = { fewest: 2, most: 3 };
  const args = { telemetry, services, rateLimitService, gateway: GATEWAY, httpFilters: HTTP_FILTERS, proxies };
  const resources = await register(() => new GatewayMetrics("metrics", args));
  const { data } = only(resources, "kubernetes:core/v1:ConfigMap", "metrics-alerts").inputs;
  return JSON.parse((data as Record<string, string>)["alerts.yaml"] ?? "") as { groups: RuleGroup[] };
}

/** A test in promtool's format. https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/ */
function promtoolTest(name: string, alert: string, samples: Samples, expected: Record<number, object[]>): object {
  const minutes = Array.from({ length: MINUTES + 1 }, (_, minute) => samples(minute));
  return {
    name,
    interval: "1m",
    input_series: Object.keys(minutes[0] ?? {}).map((series) => ({
      series,
      values: minutes.map((values) => values[series] ?? 0).join(" "),
    })),
    alert_rule_test: Object.entries(expected).map(([minute, exp_alerts]) => ({
      eval_time: `${minute}m`,
      alertname: alert,
      exp_alerts,
    })),
  };
}

describe("alerts", () => {
  let folder: string;
  let promtool: string;
  let groups: RuleGroup[];

  before(async function () {
    this.timeout(FIRST_BUILD_MS);
    folder = mkdtempSync(join(tmpdir(), "alerts-"));
    promtool = await ensureOptional("promtool");
    ({ groups } = await emittedRules());
  });
  after(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: object) => {
    const file = join(folder, name);
    writeFileSync(file, stringify(content, { aliasDuplicateObjects: false }));
    return file;
  };
  const waitOf = (alert: string) => {
    const rule = groups.flatMap(({ rules }) => rules).find((one) => one.alert === alert);
    return Number(/^(\d+)m$/.exec(rule?.for ?? "")?.[1]);
  };

  /** Tests rules with promtool: they fire not a minute too early, not after the end, and never if all is well. */
  function test(rules: { groups: RuleGroup[] }, { alert, firing, since, until, quiet, labels, summary }: AlertCase) {
    const fires = since + waitOf(alert);
    const alerts = [{ exp_labels: labels, exp_annotations: { summary } }];
    const expected = {
      ...(fires > 0 ? { [fires - 1]: [] } : {}),
      [fires]: alerts,
      [until ?? MINUTES]: until === undefined ? alerts : [],
    };
    const never = Object.fromEntries(Array.from({ length: MINUTES + 1 }, (_, minute) => [minute, []]));
    const tests = [
      promtoolTest("firing", alert, firing, expected),
      ...Object.entries(quiet).map(([name, samples]) => promtoolTest(name, alert, samples, never)),
    ];
    const rule_files = [write("rules.yaml", rules)];
    return run(promtool, ["test", "rules", write("test.yaml", { rule_files, evaluation_interval: "1m", tests })]);
  }

  const [shop, calls] = CONFIG.services;
  assert.ok(shop && calls);
  const cases = alertCases(shop, calls, GATEWAY);

  for (const one of cases) {
    it(`${one.alert}: ${one.what}`, async () => {
      const { code, stdout, stderr } = await test({ groups }, one);
      assert.equal(code, 0, stdout + stderr);
    });
  }

  it("are all tested", () => {
    const emitted = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    assert.deepEqual(new Set(cases.map(({ alert }) => alert)), new Set(emitted));
  });

  it("fail promtool's test if they fire too early, or not at all", async () => {
    const changed = (change: object) => ({
      groups: groups.map((group) => ({ ...group, rules: group.rules.map((rule) => ({ ...rule, ...change })) })),
    });
    const [one] = cases;
    assert.ok(one);
    for (const change of [{ for: "0m" }, { for: "3m" }, { expr: "vector(0) > 1" }, { labels: {} }]) {
      const { code, stdout } = await test(changed(change), one);
      assert.equal(code, 1, stdout);
    }
  });
});
