import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { DEBUG_VARIABLE, leanRegistrations } from "../../../components/cluster/leanRegistrations";

describe("components/leanRegistrations", () => {
  const { debug } = pulumi.log;
  const { stackTraceLimit } = Error;
  afterEach(() => {
    Object.assign(pulumi.log, { debug });
    Error.stackTraceLimit = stackTraceLimit;
  });

  it("takes off the SDK's debug messages and stack traces, and no other message", () => {
    const { info, warn, error } = pulumi.log;
    leanRegistrations({});
    assert.notEqual(pulumi.log.debug, debug);
    assert.equal(new Error("boom").stack, "Error: boom");
    assert.deepEqual([pulumi.log.info, pulumi.log.warn, pulumi.log.error], [info, warn, error]);
  });

  it("leaves the SDK as it is for who looks for a fault", () => {
    leanRegistrations({ [DEBUG_VARIABLE]: "1" });
    assert.equal(pulumi.log.debug, debug);
    assert.equal(Error.stackTraceLimit, stackTraceLimit);
  });
});
