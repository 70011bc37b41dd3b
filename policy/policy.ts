import type { EnforcementLevel } from "@pulumi/policy";

/** A resource, as policies see it. */
export interface Resource {
  readonly type: string;
  readonly name: string;
  /** `urn:pulumi:STACK::PROJECT::TYPES$OF$PARENTS$TYPE::NAME` */
  readonly urn: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly protect: boolean;
}

export interface Violation {
  readonly message: string;
  readonly urn: string;
}

/** A setting of a policy, in JSON Schema. */
export interface Setting {
  readonly type: "string" | "integer" | "array";
  readonly items?: { readonly type: "string" | "integer" };
  readonly description: string;
  readonly default: unknown;
}

interface Common {
  readonly name: string;
  /** What has to hold. */
  readonly description: string;
  readonly level: Extract<EnforcementLevel, "mandatory" | "advisory">;
  /** By name; each has a default. */
  readonly settings?: Readonly<Record<string, Setting>>;
}

/** A policy that checks one resource at a time. It returns what is wrong, in sentences. */
export interface ResourcePolicy<Config = object> extends Common {
  readonly check: (resource: Resource, config: Config) => readonly string[];
}

/** A policy that checks a whole stack. */
export interface StackPolicy<Config = object> extends Common {
  readonly checkStack: (resources: readonly Resource[], config: Config) => readonly Violation[];
}

/** Whether a resource is of a Kubernetes kind, in any version. */
export function isKind({ type }: Pick<Resource, "type">, group: string, ...kinds: readonly string[]): boolean {
  const [provider, version = "", kind = ""] = type.split(":");
  return provider === "kubernetes" && version.split("/")[0] === group && kinds.includes(kind);
}

/** Namespace and name of an object. */
export function objectName({ props, name }: Pick<Resource, "props" | "name">): string {
  const { metadata } = props as { metadata?: { name?: string; namespace?: string } };
  return [metadata?.namespace, metadata?.name ?? name].filter(Boolean).join("/");
}
