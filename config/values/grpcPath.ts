/** Gateway API's own rules for exact values (GRPCMethodMatch validation). */
const PATH = /^\/(?:(?<service>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\/(?<method>[A-Za-z_]\w*))?)?$/;

/** Whether a path names gRPC calls: `/` all of them, `/package.Service` those of a service, `/package.Service/Method`. */
export function isGrpcPath(path: string): boolean {
  return PATH.test(path);
}

/** Which calls a path names; undefined for all. */
export function grpcMethod(path: string): { service: string; method?: string } | undefined {
  const { service, method } = PATH.exec(path)?.groups ?? {};
  return service === undefined ? undefined : { service, method };
}

/** How Envoy matches such a path: a method by its exact path, a service by its prefix. */
export function grpcPathType(path: string): "Exact" | "PathPrefix" {
  return grpcMethod(path)?.method === undefined ? "PathPrefix" : "Exact";
}
