import assert from "node:assert/strict";
import { refuses as refusesConfig, mistakes, plain, stack } from "../../support/stacks";

const config = (fault: unknown, more: object = {}, gateway: object = {}) => ({
  gateway,
  services: [{ name: "web", namespace: "apps", fault, ...more }],
});

/** Asserts that a config has exactly one mistake, at a path of the fault, with a message. */
function refuses(values: Record<string, unknown>, path: string, reason: RegExp): void {
  refusesConfig(values, `services[0].fault${path}`, reason);
}

describe("config/fault", () => {
  it("accepts either or both, for every request by default", () => {
    const faults = (fault: unknown) => plain(stack(config(fault)).services[0]?.fault);
    assert.deepEqual(faults({ delay: { duration: "2s" } }), { delay: { duration: "2s", percent: 100 } });
    assert.deepEqual(faults({ abort: { status: 503 } }), { abort: { status: 503, percent: 100 } });
    const both = { delay: { duration: "2s", percent: 10 }, abort: { status: 200, percent: 1 } };
    assert.deepEqual(faults(both), both);
    assert.equal(stack().services[0]?.fault, undefined);
  });

  it("refuses an empty fault, unknown keys, and anything that is not a map", () => {
    refuses(config({}), "", /at least one of delay, abort$/);
    refuses(config({ abort: { status: 503 }, delays: {} }), ".delays", /the key delay: there is no delays/);
    refuses(config({ abort: { status: 503, code: 1 } }), ".abort.code", /keys status, percent/);
    refuses(config(false), "", /false, expected a map of keys$/);
  });

  it("refuses percentages outside 1 to 100", () => {
    for (const percent of [0, 101, 0.5, "10"]) {
      const expected = /a percentage from 1 to 100, without decimals$/;
      refuses(config({ abort: { status: 503, percent } }), ".abort.percent", expected);
      refuses(config({ delay: { duration: "2s", percent } }), ".delay.percent", expected);
    }
  });

  it("refuses delays that are zero, above an hour, without a unit, or missing", () => {
    for (const duration of ["0s", "0h0ms", "1h1ms", "1d", "2", 2, undefined]) {
      const expected = /a duration above 0 and of at most 1h, such as 2s$/;
      refuses(config({ delay: { duration } }), ".delay.duration", expected);
    }
    const unlimited = { limits: { streamIdleTimeout: "0s" } };
    for (const duration of ["1ms", "1500ms", "1h", "60m"]) {
      assert.deepEqual(mistakes(config({ delay: { duration } }, unlimited)), []);
    }
  });

  it("refuses invalid and missing statuses", () => {
    for (const status of [199, 600, 100, 503.5, "503", undefined]) {
      refuses(config({ abort: { status } }), ".abort.status", /an HTTP status from 200 to 599$/);
    }
    for (const status of [200, 599]) {
      assert.deepEqual(mistakes(config({ abort: { status } })), []);
    }
  });

  it("refuses a delay that the stream idle timeout ends, the service's or the gateway's", () => {
    const delay = (duration: string) => ({ delay: { duration } });
    const at = ".delay.duration";
    const own = { limits: { streamIdleTimeout: "2s" } };
    const stackWide = { hardening: { streamIdleTimeout: "10s" } };
    refuses(config(delay("2s"), own), at, /less than limits\.streamIdleTimeout \(2s\), which ends the delayed request/);
    refuses(config(delay("5m")), at, /less than gateway\.hardening\.streamIdleTimeout \(5m\)/);
    refuses(config(delay("10s"), {}, stackWide), at, /less than gateway\.hardening\.streamIdleTimeout \(10s\)/);
    const ofPath = (limits: unknown) => ({ ...own, paths: ["/", { path: "/slow", limits }] });
    const slow = ofPath({ streamIdleTimeout: "1s" });
    refuses(config(delay("1s"), slow), at, /less than paths\[1\]\.limits\.streamIdleTimeout \(1s\)/);
    refuses(config(delay("1s"), ofPath(false), { hardening: { streamIdleTimeout: "1s" } }), at, /than gateway\./);
    assert.deepEqual(mistakes(config(delay("1s"), ofPath({ streamIdleTimeout: "0s" }))), []);
    assert.deepEqual(mistakes(config(delay("1999ms"), own)), []);
    assert.deepEqual(mistakes(config(delay("9s"), {}, stackWide)), []);
    assert.deepEqual(mistakes(config(delay("1h"), { limits: { streamIdleTimeout: "0s" } }, stackWide)), []);
    assert.deepEqual(mistakes(config(delay("1h"), {}, { hardening: false })), []);
  });

  it("lets a delay be longer than the request timeout, which does not include it", () => {
    assert.deepEqual(mistakes(config({ delay: { duration: "2s" } }, { timeouts: { request: "1s" } })), []);
  });

  it("does not check a delay against limits that are themselves wrong", () => {
    const lines = mistakes(config({ delay: { duration: "1h" } }, { limits: { streamIdleTimeout: "soon" } }));
    assert.deepEqual(
      lines.map((line) => line.split(": ")[0]),
      ["istio-gateway:services[0].limits.streamIdleTimeout"],
    );
  });

  it("is not a key of a path", () => {
    const paths = [{ path: "/", fault: { abort: { status: 503 } } }];
    const [line] = mistakes({ services: [{ name: "web", namespace: "apps", paths }] });
    assert.match(line ?? "", /services\[0\]\.paths\[0\]\.fault: /);
  });
});
