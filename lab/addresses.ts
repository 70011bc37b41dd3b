/** Addresses inside the lab's network namespace. Nothing outside can reach them or conflict with them. */
export const API_SERVER = "10.1.0.1";
export const ISTIOD = "10.1.0.2";
/** Host name in istiod's certificate. */
export const ISTIOD_HOST = "istiod.istio-system.svc";

/** Receives spans over OTLP/gRPC. */
export const COLLECTOR = "10.1.0.3";
export const COLLECTOR_PORT = 4317;

/** Clients: one on a company network, one on the internet. */
export const CLIENT_INSIDE = "192.168.1.10";
export const CLIENT_OUTSIDE = "203.0.113.10";

/** Address of a gateway whose stack sets none. */
export const DEFAULT_GATEWAY = "192.168.51.200";

/** Address of a replica of the backend with this number. */
export function backendAddress(number: number, replica = 0): string {
  return `10.${244 + replica}.${Math.floor(number / 250)}.${(number % 250) + 1}`;
}

/** Address of replica N of a gateway: N is added to the last octet. */
export function replicaAddress(address: string, replica: number): string {
  return address.replace(/\d+$/, (last) => String(Number(last) + replica));
}

/** Address of the Pod with this number. */
export function podAddress(number: number): string {
  return `10.230.${Math.floor(number / 250) % 250}.${(number % 250) + 1}`;
}

/** Address of the Pod with a sidecar that has this number. */
export function sidecarAddress(number: number): string {
  return `10.231.0.${number + 1}`;
}

/** The two ends of the link to the proxy with this number: the lab's and the proxy's. */
export function linkAddresses(number: number): { lab: string; proxy: string } {
  return { lab: `10.2.${number}.1`, proxy: `10.2.${number}.2` };
}
