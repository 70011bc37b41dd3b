import * as log from "@pulumi/pulumi/log";

/** Set to anything, it leaves Pulumi's SDK as it is: `pulumi up --debug` then shows its messages, an error its stack trace. */
export const DEBUG_VARIABLE = "ISTIO_GATEWAY_DEBUG";

/**
 * Takes off what the SDK does at each registration for who develops the SDK: three debug messages, each a call of the
 * engine that waits for the one before (https://github.com/pulumi/pulumi/issues/7146), and some ten stack traces through
 * source maps. docs/performance.md says what that costs.
 */
export function leanRegistrations(env: NodeJS.ProcessEnv = process.env): void {
  if (env[DEBUG_VARIABLE] !== undefined) {
    return;
  }
  Object.assign(log, { debug: () => Promise.resolve() });
  Error.stackTraceLimit = 0;
}
