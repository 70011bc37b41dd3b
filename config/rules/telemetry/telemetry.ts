import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

const OWN = ["accessLogs", "traces", "alerts"] as const;

/** What a service sets for itself holds only where the stack turns it on, and alerts and dashboard need the metrics. */
export function telemetryProblems({ telemetry, services }: CheckedStack): Problem[] {
  if (telemetry === undefined) {
    return [];
  }
  const ofStack = (["dashboard", "alerts"] as const)
    .filter((key) => telemetry.metrics === undefined && telemetry[key] !== undefined && telemetry[key] !== false)
    .map((key) => ({
      path: `telemetry.${key}`,
      value: telemetry[key],
      expected: "nothing here while telemetry.metrics is not set: there is nothing to look at",
    }));
  const ofServices = services.flatMap(({ index, service }) =>
    OWN.filter((key) => service.telemetry[key] !== undefined && telemetry[key] === undefined).map((key) => ({
      path: `services[${index}].telemetry.${key}`,
      value: service.telemetry[key],
      expected: `nothing here while telemetry.${key} of the stack is not set: the stack turns it on`,
    })),
  );
  return [...ofStack, ...ofServices];
}
