import assert from "node:assert/strict";
import { duration, durationBetween } from "../../../config/schema/fields";
import {
  hours,
  inDays,
  milliseconds,
  prometheusDuration,
  protoDuration,
  seconds,
} from "../../../config/values/duration";

describe("config/duration", () => {
  it("converts units to milliseconds, seconds and whole hours", () => {
    assert.deepEqual(["20ms", "1m30s", "1s1m", "1d12h"].map(milliseconds), [20, 90_000, 61_000, 129_600_000]);
    assert.deepEqual(["500ms", "1h30m", "90d"].map(seconds), [0.5, 5400, 7_776_000]);
    assert.deepEqual(["90m", "2d1h"].map(hours), [1, 49]);
  });

  it("formats them for protobuf, Prometheus and humans", () => {
    assert.deepEqual(["20ms", "1h", "1s500ms"].map(protoDuration), ["0.02s", "3600s", "1.5s"]);
    assert.deepEqual(["1s1m", "1d"].map(prometheusDuration), ["1m1s", "24h"]);
    assert.deepEqual(["2160h", "36h", "0s"].map(inDays), ["90d", "36h", "0s"]);
  });

  it("converts days to hours for the Gateway API, and leaves the rest unchanged", () => {
    const given = ["90d", "1d12h", "1d30m", "0d", "1s1m", "36h"];
    assert.deepEqual(
      given.map((text) => duration.parse(text)),
      ["2160h", "36h", "24h30m", "0s", "1s1m", "36h"],
    );
  });

  it("refuses what the Gateway API cannot express", () => {
    for (const text of ["4167d", "99999h1s", "1w", "1.5h", "100000s", "30"]) {
      assert.ok(!duration.safeParse(text).success, text);
    }
    assert.ok(duration.safeParse("4166d").success && duration.safeParse("99999h").success);
  });

  it("enforces bounds and whole units", () => {
    const schema = durationBetween("1s", "1d", "seconds", "10m");
    const fits = (text: string) => schema.safeParse(text).success;
    assert.deepEqual(["1s", "24h", "1d"].map(fits), [true, true, true]);
    assert.deepEqual(["0s", "1d1s", "1500ms"].map(fits), [false, false, false]);
  });
});
