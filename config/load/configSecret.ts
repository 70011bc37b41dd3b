import * as runtimeConfig from "@pulumi/pulumi/runtime/config";

/** Whether any part of a key's value is secret. Exported by Pulumi, but missing from its types. */
export const { isConfigSecret } = runtimeConfig as unknown as { isConfigSecret: (key: string) => boolean };
