import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

const OWN = ["accessLogs", "traces", "alerts"] as const;

/** A service's own settings need the feature to be on in the stack, and alerts and dashboard need metrics. */
export function telemetryProblems({ telemetry, services }: CheckedStack): Problem[] {
  if (telemetry === undefined) {
    return [];
  }
  const ofStack = (["dashboard", "alerts"] as const)
    .filter((key) => telemetry.metrics === undefined && telemetry[key] !== undefined && telemetry[key] !== false)
    .map((key) => ({
      path: `telemetry.${key}`,
      value: telemetry[key],
      expected: "not allowed without telemetry.metrics: there would be no data",
    }));
  const ofServices = services.flatMap(({ index, service }) =>
    OWN.filter((key) => service.telemetry[key] !== undefined && telemetry[key] === undefined).map((key) => ({
      path: `services[${index}].telemetry.${key}`,
      value: service.telemetry[key],
      expected: `not allowed without the stack's telemetry.${key}, which turns it on`,
    })),
  );
  return [...ofStack, ...ofServices];
}
