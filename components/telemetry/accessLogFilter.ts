import type { Service } from "../../config";
import type { AccessLogConfig } from "../../config/schema/telemetry/telemetry";

type Selection = Pick<AccessLogConfig, "samplePercent" | "errorsFrom" | "slowerThan">;

/**
 * CEL expression on Envoy's attributes that selects the requests to log, services with rules of their own first.
 * Undefined where all are logged.
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

/** An attribute that a request lacks is an error, and with an error nothing is logged: each is asked for first. */
function isOf(service: string): string {
  return `has(xds.route_name) && xds.route_name.startsWith("${service}--")`;
}

function selection({ samplePercent, errorsFrom, slowerThan }: Selection): string {
  if (samplePercent === 100) {
    return ALL;
  }
  return [
    // A response that never came has no status: the client left, or the backend did.
    `!has(response.code) || response.code >= ${errorsFrom}`,
    ...(slowerThan === undefined ? [] : [`request.duration > duration("${slowerThan}")`]),
    ...(samplePercent === 0 ? [] : [`request.id < "${sampleBound(samplePercent)}"`]),
  ].join(" || ");
}

/** Request ids are random UUIDs: those below a bound of four hexadecimal digits are a share of all. */
function sampleBound(percent: number): string {
  return Math.round((percent / 100) * 0x10000)
    .toString(16)
    .padStart(4, "0");
}
