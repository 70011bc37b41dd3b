import assert from "node:assert/strict";
import { DEFAULT_ISTIO } from "../../lab/tools/catalogue";
import { chosenIstio, istioVersion } from "../../lab/tools/istioVersion";

describe("lab/tools/istioVersion", () => {
  const nothing = () => undefined;
  const next = () => "1.31" as const;

  it("takes the version that the variable names, then that of the running lab, then the default", () => {
    assert.equal(chosenIstio({}, nothing), DEFAULT_ISTIO);
    assert.equal(chosenIstio({ LAB_ISTIO: "" }, nothing), DEFAULT_ISTIO);
    assert.equal(chosenIstio({}, next), "1.31");
    assert.equal(chosenIstio({ LAB_ISTIO: "1.30" }, next), "1.30");
  });

  it("refuses a version that the lab does not have", () => {
    assert.throws(() => chosenIstio({ LAB_ISTIO: "1.29" }, nothing), /LAB_ISTIO is 1\.29, expected 1\.30 or 1\.31$/);
    assert.throws(() => istioVersion("toString", "--istio"), /--istio is toString, expected/);
  });
});
