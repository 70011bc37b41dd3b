import type { Memory } from "../dataPlane/memory";
import type { Change } from "./changes";
import type { Measured } from "./contenders";
import type { Counts } from "./objects";
import type { RequestCosts } from "./requests";

/** What was measured of a contender with a number of services. */
export interface ScaleSample {
  readonly contender: Measured;
  readonly services: number;
  readonly counts: Counts;
  readonly envoy: Memory;
  /** Resident memory after the changes. Unit: KiB. */
  readonly istiodResident: number;
  /** One route, changed again and again. */
  readonly route: readonly Change[];
  /** One host's access list. */
  readonly access?: readonly Change[];
  /** In each round. Only of the largest gateway, beside the smallest. */
  readonly requests?: readonly RequestCosts[];
}
