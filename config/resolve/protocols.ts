import type { ParsedService } from "../schema/service";

/** Whether the gateway passes connections on, instead of reading requests. */
export function isStream({ protocol }: Pick<ParsedService, "protocol">): boolean {
  return protocol !== "http" && protocol !== "grpc";
}

/** Port of the gateway that a stream has. */
export function listenPortOf({ listenPort }: Pick<ParsedService, "listenPort">): number {
  return listenPort ?? HTTPS_PORT;
}

/** That of all https listeners. */
export const HTTPS_PORT = 443;
