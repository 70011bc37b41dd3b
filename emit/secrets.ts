import type { EmittedResource } from "./resources";

const HIDDEN = "(secret)";
const UNKNOWN = "(known after the update)";

/** Pulumi's marker on secret values. */
const SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d";

/** A resource without secrets: values marked secret, contents of Secrets, keys in PEM. */
export function withoutSecrets(resource: EmittedResource): EmittedResource {
  const isContent = (key: string) =>
    resource.type === "kubernetes:core/v1:Secret" && (key === "data" || key === "stringData");
  const props = Object.entries(resource.props).map(([key, value]) => [key, isContent(key) ? HIDDEN : masked(value)]);
  return { ...resource, props: Object.fromEntries(props) as Record<string, unknown> };
}

function masked(value: unknown): unknown {
  if (typeof value === "string") {
    return value.includes("PRIVATE KEY-----") ? HIDDEN : value;
  }
  if (Array.isArray(value)) {
    return value.map(masked);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (SECRET_SIGNATURE in value) {
    return HIDDEN;
  }
  if ("__pulumiUnknown" in value) {
    return UNKNOWN;
  }
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, masked(entry)]));
}
