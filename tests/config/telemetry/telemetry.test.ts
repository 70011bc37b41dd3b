import assert from "node:assert/strict";
import { refuses as refusesConfig, mistakes, stack } from "../../support/stacks";

type Values = Record<string, unknown>;

/** Asserts that a stack has exactly one mistake, at a path, with a message. */
function refuses(telemetry: Values, own: Values, path: string, reason: RegExp): void {
  refusesConfig({ telemetry, services: [{ name: "web", namespace: "apps", telemetry: own }] }, path, reason);
}

describe("config/telemetry", () => {
  const provider = "json";

  it("logs everything and traces one request in a hundred by default", () => {
    const { telemetry } = stack({ telemetry: { accessLogs: { provider }, traces: { provider } } });
    assert.deepEqual(telemetry.accessLogs, { provider, samplePercent: 100, errorsFrom: 500 });
    assert.deepEqual(telemetry.traces, { provider, samplePercent: 1 });
    assert.deepEqual(stack().telemetry, { dashboard: false });
  });

  it("refuses providers without a name, and invalid percentages, statuses and durations", () => {
    refuses({ accessLogs: {} }, {}, "telemetry.accessLogs.provider", /extension provider/);
    refuses(
      { traces: { provider: " a" } },
      {},
      "telemetry.traces.provider",
      /extension provider of Istio's meshConfig/,
    );
    refuses({ traces: { provider, samplePercent: 101 } }, {}, "telemetry.traces.samplePercent", /from 0 to 100/);
    refuses(
      { accessLogs: { provider, samplePercent: 0.5 } },
      {},
      "telemetry.accessLogs.samplePercent",
      /without decimals/,
    );
    refuses({ accessLogs: { provider, errorsFrom: 200 } }, {}, "telemetry.accessLogs.errorsFrom", /from 400 to 599/);
    refuses({ accessLogs: { provider, slowerThan: "0s" } }, {}, "telemetry.accessLogs.slowerThan", /above 0/);
    refuses({ logs: {} }, {}, "telemetry.logs", /one of the keys accessLogs, traces/);
  });

  it("refuses a service's own settings if they are empty, or if the stack has the feature off", () => {
    const at = "services[0].telemetry";
    refuses({ accessLogs: { provider } }, { accessLogs: {} }, `${at}.accessLogs`, /at least one of samplePercent/);
    refuses({ traces: { provider } }, { accessLogs: { errorsFrom: 400 } }, `${at}.accessLogs`, /telemetry\.accessLogs/);
    refuses({}, { traces: { samplePercent: 5 } }, `${at}.traces`, /not allowed without the stack's telemetry\.traces/);
  });

  it("refuses the same of a path, and objectives, which are the service's", () => {
    const given = (telemetry: unknown) => ({
      telemetry: { traces: { provider } },
      services: [{ name: "web", namespace: "apps", paths: ["/", { path: "/pay", telemetry }] }],
    });
    const at = "services[0].paths[1].telemetry";
    refusesConfig(given({}), at, /at least one of accessLogs, traces$/);
    refusesConfig(given({ accessLogs: { errorsFrom: 400 } }), `${at}.accessLogs`, /not allowed without the stack's/);
    refusesConfig(given({ alerts: { latency: "1s" } }), `${at}.alerts`, /one of the keys accessLogs, traces$/);
    refusesConfig(given({ traces: { samplePercent: 101 } }), `${at}.traces.samplePercent`, /from 0 to 100/);
    assert.deepEqual(mistakes(given(false)), []);
  });
});

describe("config/telemetry, labels", () => {
  it("refuses the gateway's own", () => {
    const metrics = { scrape: "config-map", labels: { "app.kubernetes.io/part-of": "x" } };
    assert.match(mistakes({ telemetry: { metrics } })[0] ?? "", /telemetry\.metrics\.labels: .*gateway's own/);
  });
});
