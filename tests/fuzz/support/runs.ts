/** A fixed seed, so that CI is repeatable; a failure reports seed and path. */
const SEED = 20_261_124;
const RUNS = 10_000;

/** FUZZ_SEED, FUZZ_RUNS and FUZZ_PATH (of a failure) override the fixed ones. */
export function parameters(): {
  seed: number;
  numRuns: number;
  path?: string;
  endOnFailure: boolean;
  includeErrorInReport: boolean;
} {
  const { FUZZ_SEED, FUZZ_RUNS, FUZZ_PATH } = process.env;
  return {
    seed: Number(FUZZ_SEED ?? SEED),
    numRuns: Number(FUZZ_RUNS ?? RUNS),
    ...(FUZZ_PATH === undefined ? {} : { path: FUZZ_PATH }),
    // Shrinking a whole stack takes longer than reading it.
    endOnFailure: true,
    includeErrorInReport: true,
  };
}
