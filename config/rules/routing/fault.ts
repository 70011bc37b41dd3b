import { milliseconds } from "../../values/duration";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Delays that no request survives: a waiting request carries no data, so the stream idle timeout ends it. */
export function faultProblems({ gateway, services }: CheckedStack): Problem[] {
  return services.flatMap(({ index, service }) => {
    const duration = service.fault?.delay?.duration;
    if (duration === undefined) {
      return [];
    }
    const own = service.limits?.streamIdleTimeout;
    const inherited = gateway === undefined || gateway.hardening === false ? "0s" : gateway.hardening.streamIdleTimeout;
    const [limit, key] =
      own === undefined ? [inherited, "gateway.hardening.streamIdleTimeout"] : [own, "limits.streamIdleTimeout"];
    if (milliseconds(limit) === 0 || milliseconds(duration) < milliseconds(limit)) {
      return [];
    }
    const path = `services[${index}].fault.delay.duration`;
    return [
      { path, value: duration, expected: `less than ${key} (${limit}), which ends the delayed request with 504` },
    ];
  });
}
