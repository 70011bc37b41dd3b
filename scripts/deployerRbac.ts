import type { EmittedObject } from "../emit/objects";

/** https://kubernetes.io/docs/reference/access-authn-authz/rbac/ */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

export interface Role {
  apiVersion: "rbac.authorization.k8s.io/v1";
  kind: "Role" | "ClusterRole";
  metadata: { name: string; namespace?: string };
  rules: PolicyRule[];
}

type Manifest = Role | { kind: string; [key: string]: unknown };

export interface Identity {
  readonly name: string;
  /** Namespace of its ServiceAccount. */
  readonly namespace: string;
}

/** The provider waits for an object, and for its end, with an informer, which lists and watches its kind in its namespace. */
const WAIT = ["list", "watch"];
const OWN = ["create", "delete", "get", "patch"];

/** What else the provider watches while it waits for an object, by the object's `GROUP/KIND`. */
const WATCHED: Readonly<Record<string, readonly (readonly [group: string, resource: string])[]>> = {
  "apps/Deployment": [
    ["apps", "replicasets"],
    ["", "pods"],
    ["", "persistentvolumeclaims"],
  ],
  "/Service": [["", "endpoints"]],
};

/**
 * What a ServiceAccount needs to run `pulumi up` and `refresh` on a stack, derived from the stack's objects: a Role in each
 * namespace, and a ClusterRole for cluster-scoped objects. `destroy` adds what only the deletion of a Secret needs.
 */
export function deployerRbac(objects: readonly EmittedObject[], identity: Identity): Manifest[] {
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { ...identity } };
  return [account, ...deployerRoles(objects, identity.name).flatMap((role) => [role, binding(role, identity)])];
}

/** Bind it only for a destroy: it reads every Secret in the Gateway's namespace. */
export function destroyerRbac(objects: readonly EmittedObject[], identity: Identity): Manifest[] {
  const namespaces = new Set(objects.filter(isSecret).map(({ namespace }) => namespace));
  return [...namespaces].flatMap((namespace) => {
    const metadata = { name: `${identity.name}-destroy`, namespace };
    const rules = [{ apiGroups: [""], resources: ["secrets"], verbs: WAIT }];
    const role: Role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata, rules };
    return [role, binding(role, identity)];
  });
}

export function deployerRoles(objects: readonly EmittedObject[], name: string): Role[] {
  const namespaces = [...new Set(objects.map(({ namespace }) => namespace))].sort();
  return namespaces.map((namespace) => {
    const rules = objects.filter((object) => object.namespace === namespace).flatMap(rulesOf);
    return {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: namespace === undefined ? "ClusterRole" : "Role",
      metadata: namespace === undefined ? { name } : { name, namespace },
      rules: merged(rules),
    };
  });
}

function rulesOf(object: EmittedObject): PolicyRule[] {
  const apiGroups = [object.group];
  const resources = [resourceOf(object.kind)];
  if (object.read === true) {
    // To tell whether a Service is ready, a refresh lists the endpoints of its namespace.
    const isService = object.group === "" && object.kind === "Service";
    return [
      { apiGroups, resources, resourceNames: [object.name], verbs: ["get"] },
      ...(isService ? [{ apiGroups, resources: ["endpoints"], verbs: ["list"] }] : []),
    ];
  }
  if (isSecret(object)) {
    return [
      // By name, because other Secrets share the namespace: in istio-system, the key of the mesh's CA.
      { apiGroups, resources, resourceNames: [object.name], verbs: ["delete", "get", "patch"] },
      // `create` cannot be restricted by name.
      { apiGroups, resources, verbs: ["create"] },
    ];
  }
  const watched = WATCHED[`${object.group}/${object.kind}`] ?? [];
  return [
    { apiGroups, resources, verbs: [...OWN, ...WAIT].sort() },
    ...watched.map(([group, resource]) => ({ apiGroups: [group], resources: [resource], verbs: WAIT })),
  ];
}

function isSecret({ group, kind }: EmittedObject): boolean {
  return group === "" && kind === "Secret";
}

/** Merges rules that differ only in resources or names. */
function merged(rules: readonly PolicyRule[]): PolicyRule[] {
  const union = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])].sort();
  const byResource = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.apiGroups, rule.verbs, rule.resourceNames === undefined ? "" : rule.resources]);
    const same = byResource.get(key);
    byResource.set(key, {
      ...rule,
      resources: union(same?.resources ?? [], rule.resources),
      ...(rule.resourceNames && { resourceNames: union(same?.resourceNames ?? [], rule.resourceNames) }),
    });
  }
  return [...byResource.values()].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** A kind's plural name in the API: gateways, telemetries, peerauthentications, ingresses. */
export function resourceOf(kind: string): string {
  const name = kind.toLowerCase();
  if (/[^aeiou]y$/.test(name)) {
    return `${name.slice(0, -1)}ies`;
  }
  return /(s|x|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}

function binding({ kind, metadata }: Role, identity: Identity): Manifest {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: `${kind}Binding`,
    metadata,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: metadata.name },
    subjects: [{ kind: "ServiceAccount", ...identity }],
  };
}
