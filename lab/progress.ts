/** Time between progress lines if there is no terminal to show a running clock. Unit: milliseconds. */
const HEARTBEAT_MS = 30_000;
const TICK_MS = 1_000;

interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Reports the steps of a long job: number, total, name and duration. */
export class Progress {
  private readonly start = Date.now();
  private current = 0;

  /**
   * @param title The whole job.
   * @param total Number of steps.
   * @param stream Where to report; a terminal shows one running line, anything else a line for each event.
   */
  constructor(
    private readonly title: string,
    private readonly total: number,
    private readonly stream: Stream = process.stderr,
  ) {}

  /** Runs one step. A failure is reported, and its error rethrown. */
  async step<T>(name: string, run: () => Promise<T>): Promise<T> {
    this.current += 1;
    const label = `${this.title} ${this.current}/${this.total}  ${name}`;
    const start = Date.now();
    const tty = this.stream.isTTY === true;
    const show = () =>
      this.stream.write(tty ? `\r\x1b[K${label} … ${seconds(start)}` : `${label} … ${seconds(start)}\n`);
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
      this.stream.write(
        `${tty ? "\r\x1b[K" : ""}${label}: ${outcome}, ${seconds(start)} (${seconds(this.start)} in all)\n`,
      );
    }
  }
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
