/** Longest time to get the tools on a machine without them. Unit: milliseconds. */
const FIRST_BUILD_MS = 60 * 60_000;

/** Mocha's root hooks of a suite that needs the lab's tools. */
export function rootHooks(bringUp: () => Promise<void>, takeDown: () => void): Mocha.RootHookObject {
  return {
    async beforeAll(this: Mocha.Context): Promise<void> {
      this.timeout(FIRST_BUILD_MS);
      await bringUp();
    },
    afterAll(): void {
      takeDown();
    },
  };
}
