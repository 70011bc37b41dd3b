import assert from "node:assert/strict";
import { plainScalar } from "../../../config/values/plainScalar";

describe("config/plainScalar", () => {
  it("is a text if neither Go nor YAML 1.2 reads anything else", () => {
    for (const text of ["a", "yes", "Off", "1.2.3", "0x", "1_000x", "-", "+", ".", "-.", ".e3", "12:30:45", "1e3x"]) {
      assert.deepEqual(plainScalar(text), { value: text });
    }
  });

  it("is no number if it could be meant as a text", () => {
    for (const text of [
      "010",
      "08",
      "0b1",
      "0B1",
      "-0o7",
      "0X1",
      "1__0",
      "1_0.5",
      "1e1_0",
      "+.inf",
      "9007199254740993",
    ]) {
      assert.match(JSON.stringify(plainScalar(text)), /"expected":.*put it in quotes/, text);
    }
  });

  it("is no date", () => {
    for (const text of ["2022-11-28", "2022-1-2", "2022-11-28T10:00:00Z", "2022-11-28 10:00:00 +0000 UTC"]) {
      assert.match(JSON.stringify(plainScalar(text)), /"expected":.*put it in quotes.*date/, text);
    }
  });
});
