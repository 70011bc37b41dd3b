import { writeFileSync } from "node:fs";
import { type StackOutputs, trustAnchors } from "../verify/target";
import type { Lab } from "./lab";
import { labPath } from "./state";

/** What a client saw of one request. */
export interface Answer {
  /** 0 if there was no answer. */
  readonly status: number;
  /** `2` for HTTP/2. */
  readonly httpVersion: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** curl's exit code: 0 for an answer, 35 for a failed TLS handshake, 60 for a rejected certificate. */
  readonly exitCode: number;
}

export interface RequestOptions {
  /** Client address. */
  readonly from?: string;
  readonly headers?: readonly string[];
  /** File with the certificates to trust. Default: any certificate is accepted. */
  readonly caFile?: string;
  /** Extra arguments for curl. */
  readonly curl?: readonly string[];
}

/** Longest that a probe may take. Unit: seconds. */
const MAX_SECONDS = 30;
/**
 * Longest to wait for a connection. One whose first packet arrived before kube-proxy knew the Service is never answered: the
 * connection tracking of its node has seen it. Unit: seconds.
 */
const MAX_CONNECT_SECONDS = 5;

/** Sends one request with curl from inside the lab. */
export async function request(lab: Lab, url: string, options: RequestOptions = {}): Promise<Answer> {
  const { stdout, code } = await lab.run([
    "curl",
    "--silent",
    "--path-as-is",
    "--max-time",
    String(MAX_SECONDS),
    "--connect-timeout",
    String(MAX_CONNECT_SECONDS),
    "--include",
    "--write-out",
    "\n%{http_code} %{http_version}",
    ...(options.from === undefined ? [] : ["--interface", options.from]),
    ...(options.headers ?? []).flatMap((header) => ["--header", header]),
    ...(options.caFile === undefined ? ["--insecure"] : ["--cacert", options.caFile]),
    ...(options.curl ?? []),
    url,
  ]);
  const end = stdout.lastIndexOf("\n");
  const [status = "0", httpVersion = "0"] = stdout.slice(end + 1).split(" ");
  const answer = stdout.slice(0, end);
  const split = answer.indexOf("\r\n\r\n");
  const lines = answer.slice(0, Math.max(split, 0)).split("\r\n").slice(1);
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  return { status: Number(status), httpVersion, headers, body: answer.slice(split + 4), exitCode: code };
}

/** What a TLS client saw of a handshake. */
export interface Handshake {
  readonly succeeded: boolean;
  readonly protocol: string;
  readonly cipher: string;
  /** Serial number of the leaf, in hexadecimal; empty if the handshake failed. */
  readonly serial: string;
  /** openssl's verdict on the chain: `OK`, or what is wrong. */
  readonly verification: string;
}

/** A TLS handshake by openssl from inside the lab, with extra arguments for `openssl s_client`. */
export async function handshake(
  lab: Lab,
  address: string,
  host: string,
  more: readonly string[] = [],
): Promise<Handshake> {
  const client = ["openssl", "s_client", "-connect", `${address}:443`, "-servername", host, "-verify_hostname", host];
  const { stdout } = await lab.run(["timeout", "10", ...client, ...more]);
  const find = (pattern: RegExp) => pattern.exec(stdout)?.[1]?.trim() ?? "";
  const leaf = find(/(-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----)/);
  const serial = leaf === "" ? "" : await lab.output(["openssl", "x509", "-noout", "-serial"], { input: leaf });
  const [, protocol = "", cipher = ""] = /^New, (\S+), Cipher is (.+)$/m.exec(stdout) ?? [];
  return {
    succeeded: cipher !== "" && cipher !== "(NONE)",
    protocol,
    cipher,
    serial: serial.trim().replace("serial=", ""),
    verification:
      find(/Verify return code: \d+ \((.+)\)/).toUpperCase() === "OK" ? "OK" : find(/Verify return code: \d+ \((.+)\)/),
  };
}

export async function stackOutputs(lab: Lab, stack: string): Promise<StackOutputs> {
  return JSON.parse(await lab.output(["pulumi", "stack", "output", "--json", "--stack", stack])) as StackOutputs;
}

/**
 * Writes the certificates that clients have to trust to a file in the lab's folder, and returns its path; undefined if there is none.
 * @param more Certificates that the stack did not issue, in PEM.
 */
export function trustFile(stack: string, outputs: StackOutputs, more = ""): string | undefined {
  const anchors = (trustAnchors(outputs) ?? "") + more;
  if (anchors === "") {
    return undefined;
  }
  const file = labPath(`${stack}-ca.pem`);
  writeFileSync(file, anchors);
  return file;
}
