import type { Lab } from "../../lab/lab";
import { pidOutside } from "../../lab/namespaces";
import { eventually } from "../../lab/processes";
import { cpuOf } from "../dataPlane/processes";

/** Restarts istiod, so that it holds no memory for what was there before. Returns its pid. */
export async function freshIstiod(lab: Lab): Promise<number> {
  await lab.scaleIstiod(0);
  await lab.scaleIstiod(1);
  const [pod] = await lab.istiodPods();
  return pidOutside(lab.snapshot.holder.pid, pod?.pid ?? NaN);
}

/** It is at rest if it uses less than 2 % of a core for this long: more than it waits for further changes. */
const REST_MS = 3000;
const RESTING_SECONDS = 0.06;

/** Waits until istiod rests. Returns the CPU time that it had used by then. */
export async function rested(istiod: number): Promise<number> {
  return eventually(
    "istiod to rest",
    600_000,
    async () => {
      const before = cpuOf(istiod);
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      const used = cpuOf(istiod) - before;
      if (used > RESTING_SECONDS) {
        throw new Error(`it used ${used.toFixed(2)} s of CPU in ${REST_MS / 1000} s`);
      }
      return before;
    },
    0,
  );
}
