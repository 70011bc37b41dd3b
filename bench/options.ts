export interface Options {
  /** How often each measurement is made, by turns with those that it is compared with. */
  readonly pairs: number;
  readonly services: readonly number[];
  readonly progress: (text: string) => void;
}
