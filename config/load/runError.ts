import * as pulumi from "@pulumi/pulumi";

/**
 * An error of which Pulumi prints the message alone. It has no stack: Pulumi lets `util.inspect` colour that even so, which
 * on frames such as `node_modules/@pulumi/resource.ts` goes on until a string is 512 MiB long.
 * https://github.com/nodejs/node/issues/64011
 */
export function runError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = undefined;
  return error;
}
