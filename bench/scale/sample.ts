import type { Memory } from "../dataPlane/memory";
import type { Change } from "./changes";
import type { Contender } from "./contenders";
import type { Counts } from "./objects";
import type { Probe } from "./services";

/** What was measured of a contender with a number of services. */
export interface ScaleSample {
  readonly contender: Contender;
  readonly services: number;
  readonly counts: Counts;
  readonly envoy: Memory;
  /** Resident memory after the changes. Unit: KiB. */
  readonly istiodResident: number;
  /** One route, changed again and again. */
  readonly route: readonly Change[];
  /** One host's access list. */
  readonly access?: readonly Change[];
  /** Envoy's CPU time for 1,000 requests to one host, in each round. Unit: milliseconds. */
  readonly requests?: readonly Record<Probe, number>[];
}
