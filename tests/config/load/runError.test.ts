import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { runError } from "../../../config/load/runError";

describe("config/runError", () => {
  it("is an error of which Pulumi prints only the message, without a stack to colour", () => {
    const error = runError("stack config has 1 mistake");
    assert.ok(pulumi.RunError.isInstance(error));
    assert.equal(error.message, "stack config has 1 mistake");
    assert.equal(error.stack, undefined);
  });
});
