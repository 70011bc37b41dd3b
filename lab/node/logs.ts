import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { podLog } from "./pod";

/** A kubelet's default. */
export const KUBELET_PORT = 10250;

/** Time between two looks at how long the logs are. Unit: milliseconds. */
const SAMPLE_MS = 1000;
/** Time between two looks at a log that a client follows. Unit: milliseconds. */
const FOLLOW_MS = 250;

interface Sample {
  readonly at: number;
  readonly size: number;
}

/** Knows since when a log has which length: its lines carry no times. */
export class LogTimes {
  private samples = new Map<string, Sample[]>();

  /** Notes the lengths of the logs that are written to, and forgets all others. */
  note(files: readonly string[], at = Date.now()): void {
    this.samples = new Map(files.map((file) => [file, this.withLength(file, at)]));
  }

  private withLength(file: string, at: number): Sample[] {
    const samples = this.samples.get(file) ?? [];
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size !== (samples.at(-1)?.size ?? 0)) {
      samples.push({ at, size });
    }
    return samples;
  }

  /** Where the lines since a time begin: at most one look too early, never too late. */
  offset(file: string, since: number): number {
    return this.samples.get(file)?.findLast(({ at }) => at <= since)?.size ?? 0;
  }
}

/** Which part of a log a client asks for. */
interface Query {
  readonly since: number | undefined;
  readonly tail: number | undefined;
  readonly follow: boolean;
}

/** Answers the API server for `kubectl logs`, as the kubelets of all nodes do. */
export class LogServer {
  private readonly times = new LogTimes();

  /**
   * @param folder Of the logs.
   * @param written Names of the logs that are written to.
   */
  constructor(
    private readonly folder: string,
    private readonly written: () => readonly string[],
  ) {
    setInterval(() => this.times.note(this.written().map((name) => join(folder, name))), SAMPLE_MS).unref();
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "", "https://kubelet");
    const [, namespace, name, container] =
      /^\/containerLogs\/([\w.-]+)\/([\w.-]+)\/([\w.-]+)$/.exec(url.pathname) ?? [];
    if (namespace === undefined || name === undefined || container === undefined) {
      refuse(response, 404, `the lab's nodes do not support ${url.pathname}`);
      return;
    }
    const query = parse(url.searchParams);
    if (typeof query === "string") {
      refuse(response, 400, `the lab's nodes do not support ${query}`);
      return;
    }
    const log = podLog({ namespace, name }, container);
    if (!existsSync(join(this.folder, log))) {
      refuse(response, 404, `${container} has no log yet`);
      return;
    }
    this.send(log, query, response);
  };

  private send(log: string, { since, tail, follow }: Query, response: ServerResponse): void {
    const path = join(this.folder, log);
    const file = openSync(path, "r");
    const start = since === undefined ? 0 : this.times.offset(path, since);
    const bytes = rest(file, start);
    let position = start + bytes.length;
    response.writeHead(200, { "content-type": "text/plain" });
    response.write(tail === undefined ? bytes : lastLines(bytes, tail));
    if (!follow) {
      closeSync(file);
      response.end();
      return;
    }
    const timer = setInterval(() => {
      const isLast = !this.written().includes(log);
      const more = rest(file, position);
      position += more.length;
      response.write(more);
      if (isLast) {
        clearInterval(timer);
        response.end();
      }
    }, FOLLOW_MS);
    response.once("close", () => {
      clearInterval(timer);
      closeSync(file);
    });
  }
}

/** What a client asks for, or the name of an option that is not supported. */
function parse(parameters: URLSearchParams): Query | string {
  const { follow = "false", sinceTime, sinceSeconds, tailLines, ...others } = Object.fromEntries(parameters);
  const [other] = Object.keys(others);
  const from = sinceTime === undefined ? undefined : Date.parse(sinceTime);
  return (
    other ?? {
      since: sinceSeconds === undefined ? from : Date.now() - Number(sinceSeconds) * 1000,
      tail: tailLines === undefined ? undefined : Number(tailLines),
      follow: follow === "true",
    }
  );
}

/** What a file has from a position on. */
function rest(file: number, start: number): Buffer {
  const bytes = Buffer.alloc(Math.max(fstatSync(file).size - start, 0));
  return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, start));
}

function lastLines(bytes: Buffer, count: number): Buffer {
  const lines = bytes.toString("utf8").split(/(?<=\n)/);
  return Buffer.from(count === 0 ? "" : lines.slice(-count).join(""));
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(`${message}\n`);
}
