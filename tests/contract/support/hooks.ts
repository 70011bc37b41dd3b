import { bringUp, listDifferences, takeDown } from "./suite";

/** Longest time to get the tools on a machine without them. Unit: milliseconds. */
const FIRST_BUILD_MS = 60 * 60_000;

export const mochaHooks = {
  async beforeAll(this: Mocha.Context): Promise<void> {
    this.timeout(FIRST_BUILD_MS);
    await bringUp();
  },
  afterAll(): void {
    listDifferences();
    takeDown();
  },
};
