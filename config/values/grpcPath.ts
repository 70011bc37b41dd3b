/** The Gateway API's rules for exact values (GRPCMethodMatch). */
const PATH = /^\/(?:(?<service>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\/(?<method>[A-Za-z_]\w*))?)?$/;

/** Whether a path names gRPC calls: `/` for all, `/package.Service` for those of a service, `/package.Service/Method` for one. */
export function isGrpcPath(path: string): boolean {
  return PATH.test(path);
}

/** The calls that a path names; undefined for all. */
export function grpcMethod(path: string): { service: string; method?: string } | undefined {
  const { service, method } = PATH.exec(path)?.groups ?? {};
  return service === undefined ? undefined : { service, method };
}

/** How Envoy matches such a path: a method exactly, a service by prefix. */
export function grpcPathType(path: string): "Exact" | "PathPrefix" {
  return grpcMethod(path)?.method === undefined ? "PathPrefix" : "Exact";
}
