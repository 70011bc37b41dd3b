import { isGrpcPath } from "../../values/grpcPath";
import { hostsOf } from "../../resolve/hosts";
import type { Match } from "../../schema/routing/match";
import type { Problem } from "../../values/problem";
import type { IndexedService } from "../../schema/service";
import type { CheckedStack } from "../checkedStack";

/** Keys of a service and its paths that a GRPCRoute has no field for. */
const UNSUPPORTED = {
  timeouts: "not allowed for gRPC: a GRPCRoute has no timeouts, and the client's deadline applies",
  retry: "not allowed for gRPC: a GRPCRoute has no retry, and the client's retry policy applies",
  rewrite: "not allowed for gRPC: the path names the method, which a GRPCRoute cannot rewrite",
  cors: "not allowed for gRPC: a GRPCRoute has no CORS filter",
  redirect: "not allowed for gRPC: its clients follow no redirect",
  respond: "not allowed for gRPC: a call ends with a status of gRPC; deny and maintenance refuse calls",
  sessionPersistence: "not allowed for gRPC, whose clients have no cookies: trafficPolicy.loadBalancing takes a header",
  compression: "not allowed for gRPC, which compresses each message itself",
} as const;

/** What a GRPCRoute cannot express. */
export function grpcProblems({ services }: CheckedStack): Problem[] {
  return services.flatMap((indexed) => (indexed.service.protocol === "grpc" ? ofService(indexed) : []));
}

function ofService({ index, service }: IndexedService): Problem[] {
  const at = `services[${index}]`;
  const redirecting = hostsOf(service, []).filter(({ redirect }) => redirect !== undefined);
  return [
    ...redirecting.map((host) => ({
      path: `${at}.${host.at}.redirect`,
      value: host.redirect,
      expected: "not allowed for gRPC: its clients follow no redirect",
    })),
    ...unsupported(at, service),
    ...(service.errorPages === undefined || service.errorPages === false
      ? []
      : [
          {
            path: `${at}.errorPages`,
            value: service.errorPages,
            expected: "not allowed for gRPC: its clients read errors from trailers",
          },
        ]),
    ...matchProblems(`${at}.canary.override`, service.canary?.override),
    ...service.paths.flatMap((path, pathIndex) => {
      const here = `${at}.paths[${pathIndex}]`;
      const problems = [...unsupported(here, path), ...matchProblems(`${here}.match`, path.match)];
      if (path.type !== "PathPrefix") {
        const expected = "not allowed for gRPC: /package.Service matches all its methods, /package.Service/Method one";
        problems.push({ path: `${here}.type`, value: path.type, expected });
      } else if (!isGrpcPath(path.path)) {
        const expected = "/ for every call, /package.Service, or /package.Service/Method";
        problems.push({ path: `${here}.path`, value: path.path, expected });
      }
      return problems;
    }),
  ];
}

function unsupported(at: string, given: { readonly [K in keyof typeof UNSUPPORTED]?: unknown }): Problem[] {
  return (Object.keys(UNSUPPORTED) as (keyof typeof UNSUPPORTED)[])
    .filter((key) => given[key] !== undefined)
    .map((key) => ({ path: `${at}.${key}`, value: given[key], expected: UNSUPPORTED[key] }));
}

function matchProblems(at: string, match: Match | undefined): Problem[] {
  return (["query", "method"] as const)
    .filter((key) => match?.[key] !== undefined)
    .map((key) => ({
      path: `${at}.${key}`,
      value: match?.[key],
      expected: "not allowed for gRPC: calls are matched by path and headers",
    }));
}
