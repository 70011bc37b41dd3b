import assert from "node:assert/strict";
import { loadConfig } from "../../config/load/load";
import { withNumbers } from "../../config/resolve/namedPorts";
import { ConfigError, formatProblem } from "../../config/values/problem";
import type { StackConfig } from "../../config";

type Values = Record<string, unknown>;

/** The minimal config of a stack. */
export const MINIMAL: Values = {
  domain: "example.test",
  services: [{ name: "web", namespace: "apps" }],
};

/** One service whose route is larger than etcd's limit, in 90 KB of config. */
export const LARGE_SERVICE: Values = {
  name: "web",
  namespace: "apps",
  paths: Array.from({ length: 16 }, (_, index) => `/p${index}`),
  requestHeaders: { set: headers(4096) },
  responseHeaders: { set: headers(1400) },
};

function headers(length: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`x-${index}`, "x".repeat(length)]));
}

/** A checked config, as it is deployed: the minimal one, with some keys replaced. */
export function stack(values: Values = {}, secretKeys: readonly string[] = []): StackConfig<number> {
  return numbered(checked(values, secretKeys));
}

/** The same before anybody has looked up the ports that it names. */
export function checked(values: Values = {}, secretKeys: readonly string[] = []): StackConfig {
  return loadConfig({
    project: "istio-gateway",
    folder: ".",
    values: { ...MINIMAL, ...values },
    secretKeys: new Set(secretKeys),
  });
}

/** A config in whose cluster every port by name has one number. */
export function numbered(config: StackConfig, number = 8080): StackConfig<number> {
  const ports = config.namedPorts.map((port) => ({ ...port, number }));
  return { ...config, ...withNumbers(config, ports) };
}

/**
 * The lines of a config's error, without the first: one for each mistake. Names of services are left out, so that tests may name them
 * as they like: none may be that of another service.
 */
export function mistakes(values: Values, secretKeys: readonly string[] = []): string[] {
  try {
    checked(values, secretKeys);
  } catch (error) {
    if (error instanceof ConfigError) {
      const services = (values.services ?? MINIMAL.services) as { name?: unknown }[];
      return error.problems.map(({ service, ...problem }) => {
        const [, index] = /^services\[(\d+)\]/.exec(problem.path) ?? [];
        if (service !== undefined && index !== undefined && values.serviceFiles === undefined) {
          assert.equal(service, services[Number(index)]?.name, problem.path);
        }
        return formatProblem(error.project, problem);
      });
    }
    throw error;
  }
  return [];
}

/** Asserts that a config has exactly one mistake, at a key path. */
export function refuses(values: Values, path: string, reason: RegExp, secretKeys: readonly string[] = []): void {
  const lines = mistakes(values, secretKeys);
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.ok(lines[0]?.startsWith(`istio-gateway:${path}: `), lines[0]);
  assert.match(lines[0] ?? "", reason);
}

/** A value as it is sent: without undefined keys. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
