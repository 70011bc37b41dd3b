import assert from "node:assert/strict";
import { size } from "../../../config/schema/fields";
import { bytes } from "../../../config/values/quantity";

describe("config/quantity", () => {
  it("counts bytes, in powers of 1024 and of 1000", () => {
    assert.deepEqual(["64Ki", "1Mi", "1Gi", "500k", "1M", "65535", 65_535].map(bytes), [
      ...[65_536, 1_048_576, 1_073_741_824, 500_000, 1_000_000, 65_535, 65_535],
    ]);
  });

  it("enforces bounds and whole units, in every form", () => {
    const schema = size("1Ki", "8Mi", "60Ki", "1Ki");
    const fits = (given: unknown) => schema.safeParse(given).success;
    assert.ok(["1Ki", "8Mi", 1024, "2048"].every(fits));
    for (const given of ["1k", "9Mi", 1025, -1024, 1024.5, "01Ki", "64KB", "64 Ki", "1Ti", "", true]) {
      assert.ok(!fits(given), String(given));
    }
  });
});
