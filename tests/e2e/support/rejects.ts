import assert from "node:assert/strict";
import { theLab } from "./lab";

/** Resources that every gateway proxy has, by what Envoy's counters of them begin with. */
const RESOURCES = {
  clusters: /^cluster_manager\.cds\./,
  listeners: /^listener_manager\.lds\./,
  routes: /^http\..*\.rds\./,
};

/**
 * Fails where a proxy of a gateway has rejected anything since it started, where another proxy of the mesh has, and where
 * their counters are not there to tell.
 */
export async function assertNothingRejected(gateway: string): Promise<void> {
  const proxies = theLab().snapshot.proxies.flatMap((proxy, number) => (proxy.gateway === gateway ? [number] : []));
  assert.notEqual(proxies.length, 0, `no proxy of ${gateway}`);
  for (const number of proxies) {
    const url = "http://127.0.0.1:15000/stats?filter=update_(rejected|success)$";
    assertCounters(await theLab().inProxy(number, ["curl", "-sf", "--globoff", url]));
  }
  assertScrape(await theLab().output(["curl", "-sf", "http://127.0.0.1:15014/metrics"]));
}

/** What Envoy's admin port says of updates: everything that it got, it took. */
export function assertCounters(stats: string): void {
  const counters = [...stats.matchAll(/^(\S+): (\d+)$/gm)].map(([, name = "", value]) => ({
    name,
    value: Number(value),
  }));
  for (const [what, pattern] of Object.entries(RESOURCES)) {
    const of = (result: string) => counters.filter(({ name }) => pattern.test(name) && name.endsWith(`.${result}`));
    const rejected = of("update_rejected");
    assert.notEqual(rejected.length, 0, `no counter of rejected ${what} in:\n${stats}`);
    assert.deepEqual(
      rejected.filter(({ value }) => value !== 0),
      [],
      what,
    );
    // Proxies with annotations of their own count no other updates of routes: the program's alerts read none.
    const taken = of("update_success");
    assert.ok(taken.length > 0 || what === "routes", `no counter of taken ${what} in:\n${stats}`);
    assert.ok(taken.length === 0 || taken.some(({ value }) => value > 0), `no ${what} were taken:\n${stats}`);
  }
}

/** What istiod's metrics say: it has sent routes, and no proxy has rejected anything. Its counter of rejects comes with the first. */
export function assertScrape(metrics: string): void {
  const lines = metrics.split("\n");
  assert.ok(
    lines.some((line) => line.startsWith('pilot_xds_pushes{type="rds"}') && !line.endsWith(" 0")),
    "istiod counts no pushes",
  );
  const rejects = lines.filter((line) => line.startsWith("pilot_total_xds_rejects") && !line.endsWith(" 0"));
  assert.deepEqual(rejects, []);
}
