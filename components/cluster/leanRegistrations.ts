import * as log from "@pulumi/pulumi/log";

/**
 * Set to anything, it leaves Pulumi's SDK as it is: `pulumi up --debug` then shows its messages, and errors have stack traces.
 */
export const DEBUG_VARIABLE = "ISTIO_GATEWAY_DEBUG";

/**
 * Removes what the SDK does at each registration for its own developers: three debug messages, each an engine call that waits for
 * the previous one (https://github.com/pulumi/pulumi/issues/7146), and some ten source-mapped stack traces. docs/performance.md
 * says what that costs.
 */
export function leanRegistrations(env: NodeJS.ProcessEnv = process.env): void {
  if (env[DEBUG_VARIABLE] !== undefined) {
    return;
  }
  Object.assign(log, { debug: () => Promise.resolve() });
  Error.stackTraceLimit = 0;
}
