import type { Problem } from "../problem";
import type { SoundStack } from "./soundStack";

/** What a service sets for itself holds only where the stack turns it on: there the provider is named. */
export function telemetryProblems({ telemetry, services }: SoundStack): Problem[] {
  if (telemetry === undefined) {
    return [];
  }
  return services.flatMap(({ index, service }) =>
    (["accessLogs", "traces"] as const)
      .filter((key) => service.telemetry[key] !== undefined && telemetry[key] === undefined)
      .map((key) => ({
        path: `services[${index}].telemetry.${key}`,
        value: service.telemetry[key],
        expected: `nothing here while telemetry.${key} of the stack is not set: that names the provider`,
      })),
  );
}
