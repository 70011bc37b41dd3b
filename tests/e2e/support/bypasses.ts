import { http1, proxyHeader, type RawRequest } from "./raw";

/** A client, a host that refuses it, and one that does not. */
export interface Attempt {
  readonly address: string;
  readonly from: string;
  readonly guarded: string;
  readonly open: string;
}

/** Attempts to bypass an address list, with the expected status: 0 if the connection is closed without an answer. */
export function bypasses(attempt: Attempt): Record<string, readonly [request: RawRequest, status: number]> {
  const { address, from, guarded, open } = attempt;
  const send = (text: string, more: Partial<RawRequest> = {}) => ({ address, from, sni: guarded, text, ...more });
  const path = (text: string) => send(http1([`Host: ${guarded}`], `GET ${text} HTTP/1.1`));
  const header = (...lines: string[]) => send(http1([`Host: ${guarded}`, ...lines]));
  const host = (value: string) => send(http1([`Host: ${value}`]));
  const http2 = (fields: Record<string, string>) =>
    send("", { http2: { ":method": "GET", ":path": "/", ":scheme": "https", ...fields } });
  return {
    "a forged X-Forwarded-For": [header("X-Forwarded-For: 192.168.1.10"), 403],
    "several addresses in it": [header("X-Forwarded-For: 192.168.1.10, 192.168.1.11"), 403],
    "two X-Forwarded-For": [header("X-Forwarded-For: 192.168.1.10", "X-Forwarded-For: 192.168.1.11"), 403],
    "X-Real-IP": [header("X-Real-IP: 192.168.1.10"), 403],
    Forwarded: [header("Forwarded: for=192.168.1.10"), 403],
    "Envoy's own header": [header("X-Envoy-External-Address: 192.168.1.10", "X-Envoy-Internal: true"), 403],
    "an unexpected PROXY header": [
      send(http1([`Host: ${guarded}`]), { preface: proxyHeader("192.168.1.10", address) }),
      0,
    ],
    "a gRPC request": [header("Content-Type: application/grpc"), 200],
    "the port in Host": [host(`${guarded}:443`), 403],
    "another port": [host(`${guarded}:8443`), 403],
    "an empty port": [host(`${guarded}:`), 403],
    "an invalid port": [host(`${guarded}:x`), 403],
    "two ports": [host(`${guarded}:443:443`), 404],
    "upper case": [host(guarded.toUpperCase()), 403],
    "upper case and a port": [host(`${guarded.toUpperCase()}:443`), 403],
    "a dot at the end": [host(`${guarded}.`), 404],
    "a dot at the end and a port": [host(`${guarded}.:443`), 404],
    "spaces around Host": [host(`  ${guarded}\t `), 403],
    "a user in Host": [host(`user@${guarded}`), 404],
    "two names in Host": [host(`${open},${guarded}`), 404],
    "two Host, the open one first": [send(http1([`Host: ${open}`, `Host: ${guarded}`])), 404],
    "two Host, the guarded one first": [send(http1([`Host: ${guarded}`, `Host: ${open}`])), 404],
    "a folded Host": [send(http1([`Host: ${open}`, ` ${guarded}`])), 400],
    "X-Forwarded-Host": [send(http1([`Host: ${guarded}`, `X-Forwarded-Host: ${open}`])), 403],
    "an absolute request line": [send(http1([`Host: ${open}`], `GET https://${guarded}/ HTTP/1.1`)), 403],
    "one in upper case, with a port": [
      send(http1([`Host: ${open}`], `GET HTTPS://${guarded.toUpperCase()}:443/ HTTP/1.1`)),
      403,
    ],
    "no Host": [send(http1([])), 400],
    "an empty Host": [host(""), 404],
    "HTTP/1.0 with Host": [send(http1([`Host: ${guarded}`], "GET / HTTP/1.0")), 426],
    "HTTP/1.0 without Host": [send(http1([], "GET / HTTP/1.0")), 426],
    "HTTP/0.9": [send("GET /\r\n\r\n"), 426],
    CONNECT: [send(http1([`Host: ${guarded}`], `CONNECT ${guarded}:443 HTTP/1.1`)), 403],
    "two slashes": [path("//"), 403],
    // Redirected to the unescaped path, which is refused.
    "an encoded slash": [path("/%2F"), 307],
    dots: [path("/a/../"), 403],
    "encoded dots": [path("/a/%2e%2e/"), 403],
    "dots above the root": [path("/../../"), 403],
    "a backslash": [path("/a\\..\\"), 403],
    "an encoded NUL": [path("/%00"), 400],
    "a query that looks like a host": [path(`/?@${open}`), 403],
    "the SNI of another host": [send(http1([`Host: ${guarded}`]), { sni: open }), 403],
    "no SNI": [send(http1([`Host: ${guarded}`]), { sni: undefined }), 0],
    "HTTP/2": [http2({ ":authority": guarded }), 403],
    "HTTP/2, upper case and a port": [http2({ ":authority": `${guarded.toUpperCase()}:443` }), 403],
    "HTTP/2, an open :authority and a guarded Host": [http2({ ":authority": open, host: guarded }), 200],
    "HTTP/2, a guarded :authority and an open Host": [http2({ ":authority": guarded, host: open }), 403],
    "HTTP/2 with Host alone": [http2({ host: guarded }), 403],
    "HTTP/2 with another scheme": [http2({ ":authority": guarded, ":scheme": "http" }), 403],
    "HTTP/2 with a forged address": [http2({ ":authority": guarded, "x-forwarded-for": "192.168.1.10" }), 403],
    "plain HTTP": [send(http1([`Host: ${guarded}`]), { port: 80 }), 301],
  };
}
