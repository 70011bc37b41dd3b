import { milliseconds } from "../../values/duration";
import { pathSettings, type PathSettings } from "../../resolve/pathSettings";
import { onePerPath, type Problem } from "../../values/problem";
import { DEFAULT_BACKOFF_MS, longestPauses } from "../../schema/routing/retry";
import type { CheckedStack } from "../checkedStack";

/** Timeouts and retries that contradict each other. A mistake is reported once, where it was made. */
export function retryProblems({ services, defaults }: CheckedStack): Problem[] {
  return onePerPath(services.flatMap((service) => pathSettings(service, defaults)).flatMap(ofPath));
}

function ofPath({ request, backendRequest, retry }: PathSettings): Problem[] {
  const total = milliseconds(request?.value ?? "0s");
  const perTry = milliseconds(backendRequest?.value ?? "0s");
  const attempts = retry === undefined || retry.value === false ? 0 : retry.value.attempts;
  if (backendRequest !== undefined && perTry > 0) {
    const complain = (expected: string) => [{ path: backendRequest.at, value: backendRequest.value, expected }];
    if (total > 0 && perTry > total) {
      return complain(`at most timeouts.request (${request?.value ?? ""}), which applies to all tries together`);
    }
  }
  if (retry === undefined || retry.value === false || total === 0) {
    return [];
  }
  const backoff = retry.value.backoff === undefined ? DEFAULT_BACKOFF_MS : milliseconds(retry.value.backoff);
  const fits = (count: number) => (count + 1) * perTry + longestPauses(count, backoff) <= total;
  if (fits(attempts)) {
    return [];
  }
  const most = Array.from({ length: attempts }, (_, count) => attempts - 1 - count).find(fits) ?? 0;
  const time = perTry > 0 ? `${attempts + 1} tries of ${backendRequest?.value ?? ""} and ` : "";
  const limit = `timeouts.request (${request?.value ?? ""})`;
  const expected = `${most === 0 ? "a longer timeout" : `at most ${most}`}: ${time}pauses of up to ${longestPauses(attempts, backoff)} ms do not fit into ${limit}`;
  return [{ path: `${retry.at}.attempts`, value: attempts, expected }];
}
