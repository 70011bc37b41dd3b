import fc from "fast-check";
import { authority, clientAddress, framing, header, often, path, preflight, type Frame } from "./oddParts";
import { proxyHeader, type RawRequest } from "./raw";

/** A client, the hosts that refuse it, and one that does not. */
export interface Sender {
  readonly address: string;
  readonly from: string;
  readonly guarded: readonly string[];
  readonly open: string;
}

/** Shorter than the client's default, because some requests leave the gateway waiting for the rest. Unit: milliseconds. */
const TIMEOUT_MS = 2_000;

/** A request for a guarded host that no well-behaved client sends; some are valid except for one thing. */
export function oddRequest(sender: Sender): fc.Arbitrary<RawRequest> {
  const { address, from, guarded, open } = sender;
  const common = fc.record({
    address: fc.constant(address),
    from: fc.constant(from),
    sni: often(fc.constantFrom(...guarded, open), fc.constant(undefined), 30),
    timeoutMs: fc.constant(TIMEOUT_MS),
    preface: often(fc.constant(undefined), fc.constant(proxyHeader("192.168.1.10", address)), 40),
  });
  const content = fc
    .constantFrom(...guarded)
    .chain((host) =>
      fc.oneof({ weight: 4, arbitrary: http1(host, open) }, { weight: 1, arbitrary: http2(host, open) }),
    );
  return fc.tuple(common, content).map(([connection, request]) => ({ ...connection, ...request }));
}

function http1(host: string, open: string): fc.Arbitrary<Pick<RawRequest, "text" | "port">> {
  const method = often(
    fc.constantFrom("GET", "GET", "POST", "HEAD"),
    fc.constantFrom(...["OPTIONS", "TRACE", "CONNECT", "PUT", "PRI", "get", "GETX", "G T", "", "DEBUG", "PROPFIND"]),
    4,
  );
  const absolute = fc
    .tuple(fc.constantFrom("https://", "http://", "HTTPS://", "//", "ftp://", "https:///"), authority(host, open), path)
    .map((parts) => parts.join(""));
  const target = often(path, fc.oneof(absolute, fc.constantFrom("*", host, `${host}:443`, "", "a", "../")), 4);
  const version = often(
    fc.constant("HTTP/1.1"),
    fc.constantFrom("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "http/1.1", ""),
    12,
  );
  const hosts = often(
    authority(host, open).map((value) => [`Host: ${value}`]),
    fc.oneof(
      fc.constantFrom<string[][]>(
        [],
        [`Host: ${open}`],
        [`Host: ${open}`, `Host: ${host}`],
        [`Host: ${host}`, `Host: ${open}`],
      ),
      fc.constantFrom<string[][]>(
        [`Host: ${open}`, ` ${host}`],
        [`Host : ${host}`],
        [`Host:${host}`],
        [`host:   ${host}  `],
      ),
    ),
    4,
  );
  return fc
    .record({
      method,
      target,
      version,
      hosts,
      headers: often(
        fc.array(header(host, open), { maxLength: 3 }),
        fc.array(header(host, open), { maxLength: 150 }),
        30,
      ),
      frame: often(fc.constant<Frame>({ lines: [], body: "" }), framing(host), 4),
      asked: often(fc.constant(undefined), preflight(open), 6),
      newline: often(fc.constant("\r\n"), fc.constantFrom("\n", "\r", "\r\r\n"), 20),
      port: often(fc.constant(443), fc.constant(80), 25),
    })
    .map(({ method: verb, target: to, version: of, hosts: names, headers, asked, frame, newline, port }) => {
      const first = `${asked === undefined ? verb : "OPTIONS"} ${to} ${of}`;
      const lines = [first, ...names, ...(asked ?? []), ...headers, ...frame.lines, "Connection: close", "", ""];
      return { text: lines.join(newline) + frame.body, port };
    });
}

function http2(host: string, open: string): fc.Arbitrary<Pick<RawRequest, "http2">> {
  const fields = fc.record({
    ":method": often(fc.constant("GET"), fc.constantFrom("CONNECT", "get", "OPTIONS", "TRACE", "G T"), 5),
    ":path": often(path, fc.constantFrom("*", "", "a", `https://${host}/`), 6),
    ":scheme": often(fc.constant("https"), fc.constantFrom("http", "ftp", "HTTPS", "")),
    ":authority": often(authority(host, open), fc.constantFrom(undefined, open), 5),
    host: often(fc.constant(undefined), fc.constantFrom(host, open, host.toUpperCase(), ""), 3),
  });
  const more = fc.dictionary(
    fc.constantFrom(
      "x-forwarded-for",
      "x-forwarded-host",
      "forwarded",
      "x-original-url",
      "x-real-ip",
      "x_forwarded_for",
    ),
    fc.oneof(clientAddress, fc.constantFrom(open, host)),
    { maxKeys: 3 },
  );
  return fc.tuple(fields, more).map(([pseudo, others]) => {
    const given = Object.entries({ ...pseudo, ...others }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    return { http2: Object.fromEntries(given) };
  });
}
