import * as pulumi from "@pulumi/pulumi";

/**
 * An error of which Pulumi prints only the message. It has no stack, which Pulumi would have `util.inspect` colour anyway, and on
 * frames such as `node_modules/@pulumi/resource.ts` that only ends when a string reaches 512 MiB.
 * https://github.com/nodejs/node/issues/64011
 */
export function runError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = undefined;
  return error;
}
