import type { ParsedService } from "../schema/service";

/** Whether the gateway passes connections on, instead of reading requests. */
export function isStream({ protocol }: Pick<ParsedService, "protocol">): boolean {
  return protocol !== "http" && protocol !== "grpc";
}

/** Port of the gateway that clients of a service connect to. */
export function listenPortOf({ listenPort }: Pick<ParsedService, "listenPort">): number {
  return listenPort ?? HTTPS_PORT;
}

/** Where services are that set no port. */
export const HTTPS_PORT = 443;
/** Plain HTTP, which is redirected, and served where a service asks for it. */
export const HTTP_PORT = 80;

/** `https://example.com`, with the port where clients have to name it. */
export function httpsUrl(host: string, port: number): string {
  return `https://${authority(host, port)}`;
}

/** `example.com`, with the port where clients have to name it. */
export function authority(host: string, port: number): string {
  return port === HTTPS_PORT ? host : `${host}:${port}`;
}
