/** Reproducible pseudorandom numbers in [0, 1) (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of this run: FAULT_SEED, otherwise a new one each time. */
export function faultSeed(env: NodeJS.ProcessEnv = process.env): number {
  return env.FAULT_SEED === undefined ? Date.now() % 2 ** 31 : Number(env.FAULT_SEED);
}
