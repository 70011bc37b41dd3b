/** Name of the Pulumi project, and so the namespace of its config keys. */
export const PROJECT = "istio-gateway";
