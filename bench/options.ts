export interface Options {
  /** How often each measurement is repeated, alternating with those that it is compared with. */
  readonly pairs: number;
  readonly services: readonly number[];
  /** Numbers of services in `scale`, from the smallest. */
  readonly sizes: readonly number[];
  readonly progress: (text: string) => void;
}
