import type { Service } from "../../config";
import type { AccessLogConfig } from "../../config/schema/telemetry/telemetry";
import { grouped } from "../../config/values/grouped";

type Selection = Pick<AccessLogConfig, "samplePercent" | "errorsFrom" | "slowerThan">;

/**
 * CEL expression on Envoy's attributes that selects the requests to log: as their path says, or else their service or the stack.
 * Undefined if all are logged. Nothing is nested by service: Envoy's parser goes 32 levels deep, and the listener that has more
 * is rejected. Chains of `||` and `&&` are flat.
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export function accessLogFilter(services: readonly Service[], stack: Selection): string | undefined {
  const fallback = selection(stack);
  const all = services.flatMap(({ name, rules }) => {
    const routes = rules.map((rule) => ({
      route: ` == "${rule.name}"`,
      logs: selection({ ...stack, ...rule.telemetry.accessLogs }),
    }));
    const [first] = routes;
    return first !== undefined && routes.every(({ logs }) => logs === first.logs)
      ? [{ route: `.startsWith("${name}--")`, logs: first.logs }]
      : routes;
  });
  const own = [...grouped(all, ({ logs }) => logs)]
    .filter(([logs]) => logs !== fallback)
    .map(([logs, group]) => ({ logs, routes: group.map(({ route }) => route) }));
  if (own.length === 0) {
    return fallback === ALL ? undefined : fallback;
  }
  const rest = `!(${isOf(own.flatMap(({ routes }) => routes))})`;
  return [...own.map(({ logs, routes }) => both(isOf(routes), logs)), both(rest, fallback)].join(" || ");
}

const ALL = "true";

/** A missing attribute is an error, and nothing is logged on an error, so each is tested with has() first. */
function isOf(routes: readonly string[]): string {
  return `has(xds.route_name) && (${routes.map((route) => `xds.route_name${route}`).join(" || ")})`;
}

function both(condition: string, logs: string): string {
  return logs === ALL ? `(${condition})` : `(${condition} && (${logs}))`;
}

function selection({ samplePercent, errorsFrom, slowerThan }: Selection): string {
  if (samplePercent === 100) {
    return ALL;
  }
  return [
    // Without a response there is no status: the client or the backend went away.
    `!has(response.code) || response.code >= ${errorsFrom}`,
    ...(slowerThan === undefined ? [] : [`request.duration > duration("${slowerThan}")`]),
    ...(samplePercent === 0 ? [] : [`request.id < "${sampleBound(samplePercent)}"`]),
  ].join(" || ");
}

/** Request ids are random UUIDs, so those below a bound of four hexadecimal digits are a fixed share. */
function sampleBound(percent: number): string {
  return Math.round((percent / 100) * 0x10000)
    .toString(16)
    .padStart(4, "0");
}
