import type { ServiceTelemetry } from "../../schema/telemetry/telemetry";
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
  const given = services.flatMap(({ index, service }): { at: string; own: ServiceTelemetry }[] => [
    { at: `services[${index}].telemetry`, own: service.telemetry },
    ...service.paths.map((path, place) => ({
      at: `services[${index}].paths[${place}].telemetry`,
      own: path.telemetry === false ? {} : (path.telemetry ?? {}),
    })),
  ]);
  const ofServices = given.flatMap(({ at, own }) =>
    OWN.filter((key) => own[key] !== undefined && telemetry[key] === undefined).map((key) => ({
      path: `${at}.${key}`,
      value: own[key],
      expected: `not allowed without the stack's telemetry.${key}, which turns it on`,
    })),
  );
  return [...ofStack, ...ofServices];
}
