import { get } from "node:http";

/** As load balancers of clouds do, though those take 10 seconds or more. Unit: milliseconds. */
const INTERVAL_MS = 500;
const TIMEOUT_MS = 400;
/** Checks in a row that must fail before a node gets no new connections. */
const UNHEALTHY_AFTER = 2;

/** One URL of each node, by the node's name. */
export type Checks = ReadonlyMap<string, string>;

/** Asks the nodes again and again whether they can take connections. */
export class HealthChecks {
  private wanted: ReadonlyMap<string, Checks> = new Map();
  /** Failed checks in a row, by URL; none before the first answer. */
  private readonly failures = new Map<string, number>();

  /** @param changed Called when a node became healthy or unhealthy. */
  constructor(private readonly changed: () => void) {
    setInterval(() => void this.checkAll(), INTERVAL_MS);
  }

  /** What to check from now on, by any name. */
  want(checks: ReadonlyMap<string, Checks>): void {
    this.wanted = checks;
    const urls = new Set([...checks.values()].flatMap((nodes) => [...nodes.values()]));
    for (const url of this.failures.keys()) {
      if (!urls.has(url)) {
        this.failures.delete(url);
      }
    }
    void this.checkAll();
  }

  /** Names of the nodes that may get new connections. */
  healthy(name: string): string[] {
    const nodes = [...(this.wanted.get(name) ?? [])];
    return nodes.filter(([, url]) => this.isHealthy(url)).map(([node]) => node);
  }

  private isHealthy(url: string): boolean {
    return (this.failures.get(url) ?? UNHEALTHY_AFTER) < UNHEALTHY_AFTER;
  }

  private async checkAll(): Promise<void> {
    const urls = new Set([...this.wanted.values()].flatMap((nodes) => [...nodes.values()]));
    const changes = await Promise.all([...urls].map((url) => this.check(url)));
    if (changes.includes(true)) {
      this.changed();
    }
  }

  private async check(url: string): Promise<boolean> {
    const before = this.isHealthy(url);
    const answered = await answers(url);
    this.failures.set(url, answered ? 0 : (this.failures.get(url) ?? UNHEALTHY_AFTER) + 1);
    return this.isHealthy(url) !== before;
  }
}

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: TIMEOUT_MS, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}
