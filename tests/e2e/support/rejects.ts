import assert from "node:assert/strict";
import { theLab } from "./lab";

/** Resources of gateway proxies, with the prefix of Envoy's counters. */
const RESOURCES = {
  clusters: /^cluster_manager\.cds\./,
  listeners: /^listener_manager\.lds\./,
  routes: /^http\..*\.rds\./,
  filters: /^extension_config_discovery\./,
};
/** Not every gateway has a filter that is sent on its own. */
const OPTIONAL = "filters";

/**
 * Fails if a proxy of the gateway, or another proxy of the mesh, has rejected anything since it started, or if counters
 * are missing.
 */
export async function assertNothingRejected(gateway: string): Promise<void> {
  const pods = await theLab().gatewayPods(gateway);
  assert.notEqual(pods.length, 0, `no Pod of ${gateway}`);
  const url = "http://127.0.0.1:15000/stats?filter=update_(rejected|success)$";
  for (const pod of pods) {
    assertCounters(await theLab().inPod(pod, ["curl", "-sf", "--globoff", url]));
  }
  assertScrape(await theLab().output(["curl", "-sf", "http://istiod.istio-system.svc:15014/metrics"]));
}

/** Checks the update counters of Envoy's admin port: it accepted everything that it received. */
export function assertCounters(stats: string): void {
  const counters = [...stats.matchAll(/^(\S+): (\d+)$/gm)].map(([, name = "", value]) => ({
    name,
    value: Number(value),
  }));
  for (const [what, pattern] of Object.entries(RESOURCES)) {
    const of = (result: string) => counters.filter(({ name }) => pattern.test(name) && name.endsWith(`.${result}`));
    const rejected = of("update_rejected");
    assert.ok(rejected.length > 0 || what === OPTIONAL, `no counter of rejected ${what} in:\n${stats}`);
    assert.deepEqual(
      rejected.filter(({ value }) => value !== 0),
      [],
      what,
    );
    // With its own annotations a proxy keeps only rejected updates of routes and filters: the program's alerts need no others.
    const taken = of("update_success");
    assert.ok(
      taken.length > 0 || what === "routes" || what === OPTIONAL,
      `no counter of accepted ${what} in:\n${stats}`,
    );
    assert.ok(taken.length === 0 || taken.some(({ value }) => value > 0), `no ${what} were accepted:\n${stats}`);
  }
}

/** Checks istiod's metrics: routes were sent, and no proxy rejected anything. The reject counter only exists after the first. */
export function assertScrape(metrics: string): void {
  const lines = metrics.split("\n");
  assert.ok(
    lines.some((line) => line.startsWith('pilot_xds_pushes{type="rds"}') && !line.endsWith(" 0")),
    "istiod counts no pushes",
  );
  const rejects = lines.filter((line) => line.startsWith("pilot_total_xds_rejects") && !line.endsWith(" 0"));
  assert.deepEqual(rejects, []);
}
