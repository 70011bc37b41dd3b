import type { Service } from "../../config";
import type { AccessLogConfig } from "../../config/schema/telemetry/telemetry";

type Selection = Pick<AccessLogConfig, "samplePercent" | "errorsFrom" | "slowerThan">;

/**
 * CEL expression on Envoy's attributes that selects the requests to log, services with their own rules first. Undefined if all
 * are logged.
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 */
export function accessLogFilter(services: readonly Service[], stack: Selection): string | undefined {
  const fallback = selection(stack);
  const own = services
    .map(({ name, telemetry }) => ({ name, logs: selection({ ...stack, ...telemetry.accessLogs }) }))
    .filter(({ logs }) => logs !== fallback);
  const expression = own.reduceRight((rest, { name, logs }) => `${isOf(name)} ? (${logs}) : (${rest})`, fallback);
  return expression === ALL ? undefined : expression;
}

const ALL = "true";

/** A missing attribute is an error, and nothing is logged on an error, so each is tested with has() first. */
function isOf(service: string): string {
  return `has(xds.route_name) && xds.route_name.startsWith("${service}--")`;
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
