import fc from "fast-check";

/** Text as UTF-8 bytes, one per character. */
function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Picks the first of two `weight` times as often as the second. */
export function often<T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 9): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd });
}

const segment = often(
  fc.oneof(
    fc.constantFrom("", ".", "..", "...", "a", "admin", "A", "%61", "%2e", "%2e%2e", "%2E.", "%252e%252e", "%25252e"),
    fc.constantFrom("..;", "..;/", ";a=b", "a;v=1", ";", "%3b", "\\", "..\\", "%5c", "%5C..", "%2f", "%2F..", "%252f"),
    fc.constantFrom("?", "?a=b", "?@", "@", ":443", "*", "~", "$", "&", "{x}", "|", "%u002e", "%g1", "%2", "%"),
    fc.constantFrom("%c0%ae%c0%ae", "%c0%af", "%ef%bc%8f", "l".repeat(3000)),
  ),
  // What Envoy answers with 400.
  fc.constantFrom(
    ...["%00", "a%00b", "\0", "%0d%0a", "%0a", "%09", "\t", "%7f", "#", "#/a", "a b", "\xc0\xae", "\xff"],
    ...["\u00fc", "\uff0e\uff0e", "\uff0f"].map(bytes),
  ),
  12,
);

export const path = often(
  fc.constantFrom("/", "/a", "/?a=b", "/a/../", "//", "/./", "/admin"),
  fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => `/${segments.join("/")}`),
  1,
);

/** Valid and almost valid values of a Host header for a host. */
export function authority(host: string, open: string): fc.Arbitrary<string> {
  const upper = host.replace(/(.)(.?)/g, (_, one: string, two: string) => one.toUpperCase() + two);
  const [label = "", ...domain] = host.split(".");
  return often(
    fc.constantFrom(host, host, host, `${host}:443`, upper),
    fc.oneof(
      fc.constantFrom(host.toUpperCase(), `${upper}:443`, `${host}:80`, `${host}:8443`, `${host}:0`, `${host}:`),
      fc.constantFrom(`${host}:99999`, `${host}:-1`, `${host}:x`, `${host}:443:443`, `${host}:00443`, `${host}:443/`),
      fc.constantFrom(`${host}.`, `${host}.:443`, `${host}..`, `.${host}`, `*.${domain.join(".")}`, `${host}%00`),
      fc.constantFrom(`user@${host}`, `${open}@${host}`, `${host}@${open}`, `${open},${host}`, `${host},${open}`),
      fc.constantFrom(`${open} ${host}`, `${host} ${open}`, `${host}\t`, `\t${host}`, `${host}\0`, `${host}\x0b`),
      fc.constantFrom(`${host}/`, `${host}/a`, `${host}?a`, `${host}#a`, `${host}\\`, `[${host}]`, `"${host}"`, ""),
      fc.constantFrom(
        `https://${host}`,
        `//${host}`,
        `${label}%2e${domain.join(".")}`,
        `%${hex(host[0])}${host.slice(1)}`,
      ),
      fc.constantFrom(bytes(`${label}\u3002${domain.join(".")}`), bytes(`${label}\u200b.${domain.join(".")}`), open),
    ),
    2,
  );
}

function hex(letter = ""): string {
  return letter.charCodeAt(0).toString(16);
}

export const clientAddress = fc.constantFrom(
  ...["192.168.1.10", "192.168.1.10, 192.168.1.11", "127.0.0.1", "::1", "::ffff:192.168.1.10", "3232235786", ""],
  ...["192.168.1.10:443", '"192.168.1.10"', "unknown", "192.168.001.010", "0300.0250.1.12", "a".repeat(5000)],
);

/** Header lines that proxies and applications are known to trust. */
export function header(host: string, open: string): fc.Arbitrary<string> {
  const value = fc.oneof(clientAddress, fc.constantFrom(host, open, `https://${open}/`, "/", "/admin", "https", "443"));
  const line = fc
    .tuple(often(sound, unsound, 20), often(fc.constant(": "), fc.constantFrom(":", ":  ", ":\t", " : "), 12), value)
    .map((parts) => parts.join(""));
  return often(
    line,
    fc.constantFrom(
      ...[`Forwarded: for=192.168.1.10;host=${open}`, "Connection: close, X-Forwarded-For, Host, Authorization"],
      ...["Authorization: Bearer ", "Authorization: Bearer eyJhbGciOiJub25lIn0.e30.", "X-Authorize: no, yes"],
      ...["Upgrade: h2c", "Upgrade: websocket", "Content-Type: application/grpc", `X-Large: ${"x".repeat(70_000)}`],
      ...["no colon", ": no name", "X-Nul: a\0b", "X-Cr: a\rb"],
    ),
    12,
  );
}

const sound = fc.constantFrom(
  ...["X-Forwarded-For", "x-forwarded-for", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"],
  ...["X-Forwarded-Server", "X-Forwarded-Client-Cert", "X-Real-IP", "True-Client-IP", "X-Client-IP", "Via"],
  ...["CF-Connecting-IP", "Forwarded", "X-Original-URL", "X-Rewrite-URL", "X-Original-Host", "X-Host"],
  ...["X-HTTP-Method-Override", "X-Method-Override", "X-Envoy-External-Address", "X-Envoy-Internal", "X-A"],
  ...["x-envoy-original-path", "x-envoy-original-host", "x-envoy-decorator-operation", "x-envoy-peer-metadata-id"],
  ...["Authorization", "Cookie", "Referer", "Origin", "Content-Type", "X-Ext-Authz", "Max-Forwards", "Trailer"],
);
const unsound = fc.constantFrom(
  ...[":authority", ":path", "Host ", " Host", bytes("H\u043est"), "X_Forwarded_For", "X_A"],
  ...["Expect", "TE", "Connection", "Upgrade", "HTTP2-Settings"],
);

export interface Frame {
  readonly lines: readonly string[];
  readonly body: string;
}

/** A body, and headers that disagree about its length: the rest may be mistaken for a second request. */
export function framing(host: string): fc.Arbitrary<Frame> {
  const second = `GET /second HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const lines = fc.constantFrom<string[][]>(
    ["Content-Length: 0"],
    [`Content-Length: ${second.length}`],
    ["Content-Length: 0", `Content-Length: ${second.length}`],
    ["Content-Length: 0, 5"],
    ["Content-Length: +0"],
    ["Content-Length: -1"],
    ["Content-Length: 0x0"],
    ["Content-Length : 0"],
    ["Transfer-Encoding: chunked"],
    ["Content-Length: 5", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding : chunked"],
    ["Transfer-Encoding: xchunked", "Content-Length: 0"],
    ["Transfer-Encoding: chunked, identity", "Content-Length: 0"],
    ["Transfer-Encoding:\tchunked"],
    ["Transfer-Encoding: identity", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: \x0bchunked", "Content-Length: 5"],
  );
  const body = fc.constantFrom(
    "",
    second,
    `0\r\n\r\n${second}`,
    `1;a=b\r\nx\r\n0\r\nHost: ${host}\r\n\r\n`,
    `0\n\n${second}`,
  );
  return fc.record({ lines, body });
}

/** Valid and almost valid CORS preflights: these need no token, and Envoy itself has to answer them. */
export function preflight(open: string): fc.Arbitrary<string[]> {
  const origin = fc.constantFrom(
    `https://${open}`,
    "null",
    "http",
    "httpx://a",
    "HTTPS://A",
    "",
    "https://a, https://b",
  );
  const method = fc.constantFrom("GET", "PUT", "get", "OPTIONS", "GET, PUT", "", " GET", "*", "X");
  const lines = fc.record({ Origin: origin, "Access-Control-Request-Method": method }, { requiredKeys: [] });
  return lines.map((fields) => Object.entries(fields).map(([name, value]) => `${name}: ${value}`));
}
