/** Time between progress lines if there is no terminal to show a running clock. Unit: milliseconds. */
const HEARTBEAT_MS = 30_000;
const TICK_MS = 1_000;

interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Reports the steps of a long job: number, total, name and duration, and how long the rest will take. */
export class Progress {
  private readonly start = Date.now();
  private current = 0;
  private readonly estimate: Estimate;

  /**
   * @param title The whole job.
   * @param total Number of steps.
   * @param stream Where to report; a terminal shows one running line, anything else a line for each event.
   * @param expected What all steps take on the machine that they were measured on; without it, nothing is said of the rest. Unit: seconds.
   */
  constructor(
    private readonly title: string,
    private readonly total: number,
    private readonly stream: Stream = process.stderr,
    expected = 0,
  ) {
    this.estimate = new Estimate(expected);
  }

  /** Runs one step, which is expected to take some seconds. A failure is reported, and its error rethrown. */
  async step<T>(name: string, run: () => Promise<T>, expected = 0): Promise<T> {
    this.current += 1;
    const label = `${this.title} ${this.current}/${this.total}  ${name}`;
    const start = Date.now();
    const tty = this.stream.isTTY === true;
    const show = () => {
      const left = rest(this.estimate.left(expected, elapsed(start)));
      const text = [`${label} … ${elapsed(start).toFixed(1)} s`, ...left].join(", ");
      this.stream.write(tty ? `\r\x1b[K${text}` : `${text}\n`);
    };
    if (tty) {
      show();
    }
    const timer = setInterval(show, tty ? TICK_MS : HEARTBEAT_MS);
    let outcome = "failed";
    try {
      const result = await run();
      outcome = "done";
      return result;
    } finally {
      clearInterval(timer);
      const took = elapsed(start);
      this.estimate.finish(expected, took);
      const times = [`${elapsed(this.start).toFixed(1)} s in all`, ...rest(this.estimate.left())].join(", ");
      this.stream.write(`${tty ? "\r\x1b[K" : ""}${label}: ${outcome}, ${took.toFixed(1)} s (${times})\n`);
    }
  }
}

/** How long a job still takes, at the speed of this machine so far. */
export class Estimate {
  /** Of the finished steps. Unit: seconds. */
  private expected = 0;
  private took = 0;

  /** @param total What all steps take on the machine that they were measured on. Unit: seconds. */
  constructor(private readonly total: number) {}

  /** Counts a step as finished. A step without a measured time says nothing about speed. */
  finish(expected: number, took: number): void {
    this.expected += expected;
    this.took += expected === 0 ? 0 : took;
  }

  /** Unit: seconds. Undefined if there is nothing measured left. */
  left(running = 0, ran = 0): number | undefined {
    const rest = this.total - this.expected - running;
    if (rest + running <= 0) {
      return undefined;
    }
    const known = this.expected === 0 ? 1 : this.took / this.expected;
    // A step that takes longer than expected makes the rest longer too.
    const factor = running === 0 ? known : Math.max(known, (this.took + ran) / (this.expected + running));
    return factor * rest + Math.max(factor * running - ran, 0);
  }
}

/** A rough time: it is an estimate. */
export function duration(seconds: number): string {
  return seconds < 90 ? `${Math.max(Math.ceil(seconds / 10), 1) * 10} s` : `${Math.round(seconds / 60)} min`;
}

function rest(left: number | undefined): string[] {
  return left === undefined ? [] : [`about ${duration(left)} left`];
}

function elapsed(since: number): number {
  return (Date.now() - since) / 1000;
}
