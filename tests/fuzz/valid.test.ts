import assert from "node:assert/strict";
import fc from "fast-check";
import { loadConfig } from "../../config/load/load";
import { Draw } from "./support/draw";
import { Emission } from "./support/emission";
import { AUTHORITY } from "./support/material";
import { parameters } from "./support/runs";
import { renamed, unsound } from "./support/soundness";
import { numbered } from "../support/stacks";
import { asText, drawStack } from "./support/stack";

describe("valid configs", () => {
  it("load, and create objects that the CRDs accept and that fit together", async function () {
    this.timeout(0);
    const emission = await Emission.start();
    const urns = new Map<string, string>();
    const authority = await AUTHORITY;
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (generate) => {
        const given = asText(drawStack(new Draw(generate), authority));
        const config = numbered(loadConfig(given));
        const resources = await emission.of(config);
        const flaws = [...unsound(config, resources), ...renamed(urns, resources)];
        assert.deepEqual(flaws, [], JSON.stringify(given.values));
      }),
      parameters(),
    );
  });
});
