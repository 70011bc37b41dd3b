import { milliseconds } from "../../values/duration";
import { nearest } from "../../resolve/nearest";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Delays that no request survives: a waiting request carries no data, so the stream idle timeout ends it. */
export function faultProblems({ gateway, services }: CheckedStack): Problem[] {
  return services.flatMap(({ index, service }) => {
    const duration = service.fault?.delay?.duration;
    if (duration === undefined) {
      return [];
    }
    const inherited = gateway === undefined || gateway.hardening === false ? "0s" : gateway.hardening.streamIdleTimeout;
    const limits = service.paths.map((path, place): [limit: string, key: string] => {
      const own = nearest(path.limits, service.limits)?.streamIdleTimeout;
      const at = path.limits === undefined ? "" : `paths[${place}].`;
      return own === undefined
        ? [inherited, "gateway.hardening.streamIdleTimeout"]
        : [own, `${at}limits.streamIdleTimeout`];
    });
    const path = `services[${index}].fault.delay.duration`;
    return limits
      .filter(([limit]) => milliseconds(limit) > 0 && milliseconds(duration) >= milliseconds(limit))
      .slice(0, 1)
      .map(([limit, key]) => ({
        path,
        value: duration,
        expected: `less than ${key} (${limit}), which ends the delayed request with 504`,
      }));
  });
}
