import assert from "node:assert/strict";
import { collections } from "../../bench/scale/contenders";
import { scaleFigures, scalePlots, scaleTables } from "../../bench/scale/figures";
import type { ScaleSample } from "../../bench/scale/sample";
import { countsOf, withOtherRule } from "../../bench/scale/objects";
import type { RequestCosts } from "../../bench/scale/requests";
import { PROBES, probes, scaleValues } from "../../bench/scale/services";
import { upsFigures, upsTable } from "../../bench/scale/ups";
import { stackFile, type Manifest } from "../../bench/stacks";
import { loadStackFile } from "../../config/load/stackFile";

const object = (kind: string, name: string, spec?: object): Manifest => ({
  apiVersion: kind === "Secret" ? "v1" : "group.test/v1",
  kind,
  metadata: { name, namespace: "apps" },
  spec,
});

describe("bench/scale", () => {
  it("makes a valid stack, with more services than one list may have", () => {
    const values = scaleValues({ name: "scale", services: 120, address: "192.0.2.1", hasIdleTimeouts: false });
    const { services } = loadStackFile(stackFile("scale-test", values));
    assert.equal(services.length, 120);
    assert.equal(services.filter(({ access }) => access?.allow !== undefined && access.deny !== undefined).length, 60);
    assert.equal(services.filter(({ access }) => access?.jwt !== undefined).length, 12);
    assert.ok(services.every(({ rules }) => rules.every(({ limits }) => limits?.streamIdleTimeout === undefined)));
  });

  it("gives every service an idle timeout if it is asked to", () => {
    const values = scaleValues({ name: "scale", services: 3, address: "192.0.2.1", hasIdleTimeouts: true });
    const { services } = loadStackFile(stackFile("scale-idle-test", values));
    assert.ok(services.every(({ rules }) => rules.every(({ limits }) => limits?.streamIdleTimeout !== undefined)));
  });

  it("sends requests to the first and the last services that need no token", () => {
    const of = (services: number) => Object.values(probes(services));
    assert.deepEqual(of(10), [0, 8, 1, 9]);
    assert.deepEqual(of(15), [0, 12, 1, 13]);
    assert.deepEqual(of(2), [0, 0, 1, 1]);
  });

  it("counts what grows, and names the largest objects", () => {
    const listeners = { a: { http_filters: [1, 2] }, b: [{ http_filters: [1, 2, 3] }] };
    const objects = [
      object("EnvoyFilter", "f", { configPatches: [{}, {}] }),
      object("AuthorizationPolicy", "p"),
      object("HTTPRoute", "r", { text: "ä".repeat(500) }),
    ];
    const counts = countsOf(objects, JSON.stringify(listeners));
    const { largest, ...others } = counts;
    assert.deepEqual(others, { objects: 3, patches: 2, policies: 1, httpFilters: 3 });
    assert.equal(largest[0]?.name, "HTTPRoute r");
    assert.ok(largest[0].bytes > 1000, String(largest[0].bytes));
  });

  it("changes the rule of one host", () => {
    const map = { "a.test:443": { ids: ["192.0.2.0"] }, "b.test:443": { ids: ["192.0.2.0"] } };
    const filter = object("EnvoyFilter", "g--access", { map });
    const changed = withOtherRule(filter, "b.test:443", "192.0.2.0", "198.51.100.0");
    assert.deepEqual(changed.spec, { map: { ...map, "b.test:443": { ids: ["198.51.100.0"] } } });
    assert.throws(() => withOtherRule(filter, "c.test:443", "192.0.2.0", "198.51.100.0"), /has no rule of c\.test:443/);
  });

  it("removes objects by their collections, but for Secrets and the like", () => {
    const objects = [
      object("HTTPRoute", "a"),
      object("HTTPRoute", "b"),
      object("Telemetry", "t"),
      object("Secret", "s"),
    ];
    assert.deepEqual(collections([...objects, object("RequestAuthentication", "r"), object("Gateway", "g")]), [
      "/apis/group.test/v1/namespaces/apps/httproutes",
      "/apis/group.test/v1/namespaces/apps/telemetries",
      "/apis/group.test/v1/namespaces/apps/requestauthentications",
      "/apis/group.test/v1/namespaces/apps/gateways",
    ]);
  });

  const requestCosts = (round: number) =>
    Object.fromEntries(
      PROBES.flatMap((probe) => [
        [`few: ${probe}`, round],
        [`many: ${probe}`, 1.5 * round],
      ]),
    ) as RequestCosts;
  const sample = (contender: ScaleSample["contender"], services: number, cost: number): ScaleSample => ({
    contender,
    services,
    counts: { objects: 1, largest: [{ name: "EnvoyFilter f", bytes: 2048 }], patches: 2, policies: 3, httpFilters: 4 },
    envoy: { allocated: 1024 * (10 + services * cost), resident: 0 },
    istiodResident: 102_400,
    route: [1, 2, 3].map((round) => ({ seconds: cost * round, istiodSeconds: 2 * cost * round, envoySeconds: cost })),
    access: contender === "gateway" ? [{ seconds: 0.5, istiodSeconds: 0.25, envoySeconds: 0.125 }] : undefined,
    requests: contender === "gateway" ? [1, 2].map(requestCosts) : undefined,
  });
  const samples = [10, 1000].flatMap((services) => [
    sample("gateway", services, services === 10 ? 1 : 1.5),
    sample("idle", services, 9),
    sample("bare", services, 1),
  ]);

  it("compares the largest size with the bare gateway, and with the smallest", () => {
    const figures = scaleFigures(samples);
    const ratios = figures.filter(({ unit }) => unit === "×").map(({ value, target }) => [value.median, target]);
    assert.deepEqual(ratios.slice(0, 8), [
      [1.5, 1.3],
      [1.5, 1.2],
      [9, undefined],
      [9, undefined],
      [1.5, 1.1],
      [1.5, 1.1],
      [1.5, 1.1],
      [1.5, 1.1],
    ]);
    const [memory] = figures.filter(({ what, unit }) => unit === "×" && /memory/.test(what));
    assert.equal(memory?.value.median.toFixed(3), ((1500 - 10) / 990).toFixed(3));
    const access = figures.filter(({ what }) => /access list/.test(what));
    assert.deepEqual(
      access.map(({ value }) => value.median),
      [250, 125, 500],
    );
  });

  it("leaves out growth if there is one size", () => {
    const figures = scaleFigures(samples.slice(0, 3));
    assert.ok(figures.length > 0 && figures.every(({ what }) => !/further|a request/.test(what)));
  });

  it("has a row for each contender and size, and a line for ours and for the bare one", () => {
    const tables = scaleTables(samples);
    assert.deepEqual(
      tables.map(({ rows, columns }) => [rows.length, rows.every((row) => row.length === columns.length)]),
      [
        [6, true],
        [6, true],
      ],
    );
    assert.deepEqual(tables[1]?.rows[0]?.slice(1), ["10", "1", "2", "3", "4", "EnvoyFilter f 2.0 KiB"]);
    assert.deepEqual(scalePlots(samples)[0]?.series.at(-1)?.values, [4000, 4000]);
  });

  it("shows the program's own commands by size, and what each further service costs", () => {
    const cost = (wallSeconds: number) => ({ wallSeconds, cpuSeconds: 2 * wallSeconds });
    const up = (services: number, first: number) => ({
      services,
      first: cost(first),
      preview: cost(first + 1),
      change: cost(first + 2),
      behind: 3,
      answered: 4,
    });
    const figures = upsFigures([up(1000, 100), up(10, 1)]);
    assert.deepEqual(
      figures.map(({ value, cpu }) => [value.median, cpu?.median]),
      Array(3).fill([100, 200]),
    );
    assert.deepEqual(upsFigures([up(10, 1)]), []);
    assert.deepEqual(upsTable([up(10, 1)]).rows, [
      ["10", "1.0 s (2.0 s)", "3.0 s", "2.0 s (4.0 s)", "3.0 s (6.0 s)", "4.0 s"],
    ]);
  });
});
