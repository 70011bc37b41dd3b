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

  it("removes the SDK's debug messages and stack traces, and no other messages", () => {
    const { info, warn, error } = pulumi.log;
    leanRegistrations({});
    assert.notEqual(pulumi.log.debug, debug);
    assert.equal(new Error("boom").stack, "Error: boom");
    assert.deepEqual([pulumi.log.info, pulumi.log.warn, pulumi.log.error], [info, warn, error]);
  });

  it("leaves the SDK as it is for debugging", () => {
    leanRegistrations({ [DEBUG_VARIABLE]: "1" });
    assert.equal(pulumi.log.debug, debug);
    assert.equal(Error.stackTraceLimit, stackTraceLimit);
  });
});
