import assert from "node:assert/strict";
import { dataPlaneFigures, type Sample } from "../../bench/dataPlane";
import { loadResult } from "../../bench/dataPlane/load";
import { allocatedKiB, memoryFigures } from "../../bench/dataPlane/memory";
import { cpuSeconds, residentKiB } from "../../bench/dataPlane/processes";
import { backendBootstrap, limitedBootstrap } from "../../bench/dataPlane/staticEnvoy";

describe("bench/dataPlane", () => {
  it("reads CPU time and memory in the kernel's format", () => {
    const before = "S 1 1 1 0 -1 4194304 97 0 0 0";
    assert.equal(cpuSeconds(`14883 (wrk:a (b) 1) ${before} 1234 66 0 0 20 0 1`), 13);
    assert.equal(residentKiB("Name:\tenvoy\nVmPeak:\t  99 kB\nVmRSS:\t  51234 kB\nThreads:\t5\n"), 51_234);
    assert.ok(Number.isNaN(residentKiB("Name:\tkthreadd\n")));
    assert.equal(allocatedKiB('{"allocated":"2097152","heap_size":"4194304"}'), 2048);
  });

  const vegeta = { requests: 3000, rate: 500.2, success: 1, errors: [], latencies: { "50th": 1.5e6, "99th": 4e6 } };

  it("reads the load's report", () => {
    assert.deepEqual(loadResult(JSON.stringify(vegeta), 500), { requests: 3000, p50Ms: 1.5, p99Ms: 4 });
  });

  it("rejects a load in which a request failed, or that fell behind", () => {
    const failed = { ...vegeta, success: 0.999, errors: ["503 Service Unavailable"] };
    assert.throws(() => loadResult(JSON.stringify(failed), 500), /^Error: only 99\.90 % .* 503 Service Unavailable$/);
    assert.throws(() => loadResult(JSON.stringify({ ...vegeta, rate: 480 }), 500), /^Error: only 480 of 500 requests/);
  });

  it("compares within each round, then takes the median", () => {
    const sample = (p99Ms: number, cpuMs?: number): Sample => ({ p50Ms: 1, p99Ms, cpuMs });
    const round = (policies: Sample) => ({
      policies,
      bare: sample(3, 250),
      static: sample(5, 200),
      direct: sample(1),
    });
    const figures = dataPlaneFigures([round(sample(6, 300)), round(sample(7, 280)), round(sample(5, 320))]);
    const compared = figures.filter(({ unit }) => unit === "×");
    assert.deepEqual(
      compared.map(({ value, target }) => [value.median, target]),
      [
        [1.2, 1.3],
        [2, undefined],
        [6, undefined],
        [1.5, 1.5],
        [1.2, undefined],
      ],
    );
    const amounts = figures.filter(({ unit }) => unit === "ms").map(({ value }) => value.median);
    assert.deepEqual(amounts, [6, 5, 3, 1, 300, 200, 250]);
  });

  it("computes the memory per route between the fewest and the most routes", () => {
    const memory = (allocated: number) => ({ allocated, resident: 2 * allocated });
    const sample = (routes: number, each: number) => ({
      routes,
      gateway: memory(1000 + 3 * each),
      bare: memory(1000 + each),
      static: memory(1000 + 2 * each),
    });
    const figures = memoryFigures([sample(10, 100), sample(100, 5000), sample(1000, 10_000)]);
    assert.deepEqual(
      figures.map(({ value }) => value.median),
      [30, 60, 20, 40, 10, 20],
    );
    assert.deepEqual(memoryFigures([sample(10, 100)]), []);
  });

  it("gives the static Envoy a virtual host and a cluster for each service", () => {
    const backend = { address: "10.0.0.1", port: 8080 };
    const args = { domain: "static.test", certificateFile: "c", keyFile: "k", backend };
    const text = JSON.stringify(limitedBootstrap(args, ["a", "b"]));
    assert.equal(text.match(/"domains":\["[ab]\.static\.test"\]/g)?.length, 2);
    assert.equal(text.match(/"connect_timeout"/g)?.length, 2);
    assert.match(JSON.stringify(backendBootstrap(backend)), /"address":"10\.0\.0\.1","port_value":8080/);
  });
});
