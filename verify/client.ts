import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { connect, type ConnectionOptions, type PeerCertificate } from "node:tls";

/** Timeout of one request or handshake, in milliseconds. */
export const TIMEOUT_MS = 15_000;

/** Where a client connects from and to. */
export interface Route {
  /** Address to connect to instead of asking DNS. Default: the host's DNS record. */
  readonly address?: string;
  /** Local address to connect from. Default: chosen by the system. */
  readonly from?: string;
  /** The client's certificate and key, in PEM. */
  readonly identity?: Identity;
}

export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** The answer to one request, or `error`. */
export interface Answer {
  /** 0 if there was no answer. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Address that the request came from, as this machine sees it. */
  readonly from?: string;
  readonly error?: string;
}

export interface RequestOptions extends Route {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const MAX_BODY = 64 * 1024;

/** Sends one request and follows no redirect. The certificate is not verified: that is a separate check. */
export function get(
  url: string,
  { address, from, identity, method = "GET", headers = {} }: RequestOptions,
): Promise<Answer> {
  const target = new URL(url);
  const options = {
    method,
    headers,
    agent: false,
    timeout: TIMEOUT_MS,
    localAddress: from,
    ...(address === undefined ? {} : { lookup: always(address) }),
  };
  return new Promise((resolve) => {
    const onResponse = (response: IncomingMessage) => {
      let body = "";
      const { localAddress } = response.socket;
      response.setEncoding("utf8").on("data", (text: string) => (body += body.length < MAX_BODY ? text : ""));
      const end = (error?: Error) =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body,
          from: localAddress,
          error: error?.message,
        });
      response.on("end", () => end()).on("error", end);
    };
    const call =
      target.protocol === "http:"
        ? httpRequest(target, options, onResponse)
        : httpsRequest(
            target,
            { ...options, ...identity, rejectUnauthorized: false, servername: target.hostname },
            onResponse,
          );
    call.on("error", (error) => resolve({ status: 0, headers: {}, body: "", error: error.message }));
    call.on("timeout", () => call.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    call.end();
  });
}

/** What a TLS client saw. */
export interface Handshake {
  readonly succeeded: boolean;
  /** `TLSv1.3`; empty without a handshake. */
  readonly protocol: string;
  readonly cipher: string;
  /** `h2` or `http/1.1`; empty if none was chosen. */
  readonly alpn: string;
  readonly certificate?: PeerCertificate;
  /** Why the certificate is not trusted for the host; undefined if it is. */
  readonly distrust?: string;
  readonly error?: string;
}

/** Performs one TLS handshake for a host. */
export function handshake(
  host: string,
  { address, from, identity }: Route,
  more: ConnectionOptions = {},
): Promise<Handshake> {
  return new Promise((resolve) => {
    const failed = (error: Error) => {
      socket.destroy();
      resolve({ succeeded: false, protocol: "", cipher: "", alpn: "", error: error.message });
    };
    const socket = connect({
      host: address ?? host,
      port: 443,
      localAddress: from,
      servername: host,
      rejectUnauthorized: false,
      timeout: TIMEOUT_MS,
      ALPNProtocols: ["h2", "http/1.1"],
      ...identity,
      ...more,
    } as ConnectionOptions);
    socket.once("error", failed);
    socket.once("timeout", () => failed(new Error(`no handshake within ${TIMEOUT_MS / 1000} s`)));
    socket.once("secureConnect", () => {
      const { authorized, authorizationError } = socket;
      resolve({
        succeeded: true,
        protocol: socket.getProtocol() ?? "",
        cipher: socket.getCipher().standardName,
        alpn: typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : "",
        certificate: socket.getPeerCertificate(),
        distrust: authorized ? undefined : String(authorizationError),
      });
      socket.destroy();
    });
  });
}

/** A resolver with a fixed answer: later, as Node expects. If a connection fails at once, its TLS part would throw. */
function always(address: string): LookupFunction {
  const family = isIP(address);
  return (_host, options, callback) =>
    process.nextTick(() =>
      options.all === true ? callback(null, [{ address, family }]) : callback(null, address, family),
    );
}
