import type { Lab } from "../../lab/lab";
import { eventually } from "../../lab/processes";
import { copyOfCertificate } from "../dataPlane/certificate";
import { served, type Memory } from "../dataPlane/memory";
import { apply, backendServices, bareGateway, bareRoute, gatewayEnvoy } from "../dataPlane/proxies";
import { renderedObjects, servicesWith, stackFile, type Manifest } from "../stacks";
import { APPS, FIRST_VALUE, GATEWAY, scaleValues } from "./services";

const BARE = "scale-bare";

/** The one whose route is changed: an open one, so that any client sees the change. */
export const CHANGED = 1;

/** Those whose changes are measured, each alone in the cluster. */
export const CONTENDERS = ["gateway", "idle", "bare"] as const;
export type Measured = (typeof CONTENDERS)[number];
/**
 * `few` has few services and stands beside `gateway`: the CPU time of requests is compared side by side. `up` is deployed by the
 * program itself.
 */
export type Contender = Measured | "few" | "up";

export const GATEWAYS: Readonly<Record<Contender, string>> = {
  gateway: GATEWAY,
  idle: GATEWAY,
  bare: BARE,
  few: "scale-few",
  up: "scale-up",
};

export const ADDRESSES: Readonly<Record<Contender, string>> = {
  gateway: "192.168.51.237",
  idle: "192.168.51.237",
  bare: "192.168.51.238",
  few: "192.168.51.239",
  up: "192.168.51.240",
};

/** A contender in the cluster. */
export interface Deployed {
  readonly contender: Contender;
  readonly services: number;
  readonly objects: readonly Manifest[];
  /** Pids. */
  readonly istiod: number;
  readonly envoy: number;
}

/** What requests are sent to. */
export type Target = Omit<Deployed, "istiod" | "objects">;

export function hostOf(contender: Contender, index: number): string {
  return `service-${index}.${GATEWAYS[contender]}.test`;
}

/** Prepares namespaces and proxies. The stacks are never deployed: kubectl creates the objects, and Istio the Pods. */
export async function prepareContenders(lab: Lab): Promise<void> {
  for (const contender of ["gateway", "bare", "few", "up"] as const) {
    const name = GATEWAYS[contender];
    const gateway = { name, namespace: `${name}-system`, address: ADDRESSES[contender] };
    const services = servicesWith({ name: contender === "bare" ? GATEWAY : name, services: 1 }, () => ({}));
    await lab.prepare(name, stackFile(name, { domain: `${name}.test`, gateway, services }));
  }
}

/** The Services behind the routes. `few` and `up` have their own: two gateways cannot both have policies for one. */
export async function applyBackends(lab: Lab, services: number, contender: Contender = "gateway"): Promise<void> {
  await apply(lab, backendServices(namesOf(services), `${GATEWAYS[contender]}-apps`));
}

function namesOf(services: number): string[] {
  return Array.from({ length: services }, (_, index) => `service-${index}`);
}

/** What a contender creates. The bare one needs the other's certificate in the cluster. */
export async function objectsOf(lab: Lab, contender: Contender, services: number): Promise<Manifest[]> {
  if (contender === "bare") {
    return bareObjects(lab, services);
  }
  const values = scaleValues({
    name: GATEWAYS[contender],
    services,
    address: ADDRESSES[contender],
    hasIdleTimeouts: contender === "idle",
  });
  return renderedObjects(lab, `${GATEWAY}-${contender}-${services}`, values);
}

async function bareObjects(lab: Lab, services: number): Promise<Manifest[]> {
  const secret = { name: `${GATEWAY}--wildcard-${GATEWAY}-test-tls`, namespace: `${GATEWAY}-system` };
  const routes = namesOf(services).map((name) => bareRoute(BARE, { name, namespace: APPS }));
  return [
    await copyOfCertificate(lab, secret, { name: secret.name, namespace: `${BARE}-system` }),
    bareGateway(BARE, ADDRESSES.bare, secret.name),
    ...routes.map((route, index) => (index === CHANGED ? withHeader(route) : route)),
  ];
}

/** A plain route that sets one header, whose value is then changed. */
function withHeader(route: Manifest): Manifest {
  const set = [{ name: "x-bench", value: FIRST_VALUE }];
  const filters = [{ type: "ResponseHeaderModifier", responseHeaderModifier: { set } }];
  const spec = route.spec as { readonly rules: readonly object[] };
  return { ...route, spec: { ...spec, rules: spec.rules.map((rule) => ({ ...rule, filters })) } };
}

/** Creates a contender's objects, and waits until all routes are in Envoy. Returns its pid, and its memory then. */
export async function create(
  lab: Lab,
  contender: Contender,
  services: number,
  objects: readonly Manifest[],
): Promise<{ envoy: number; memory: Memory }> {
  await apply(lab, objects);
  const envoy = await gatewayEnvoy(lab, GATEWAYS[contender]);
  return { envoy, memory: await served(envoy, services) };
}

/** Removes a contender's objects, except for those that mean nothing to Istio, and waits for its proxies to end. */
export async function remove(lab: Lab, contender: Contender, objects: readonly Manifest[]): Promise<void> {
  for (const path of collections(objects)) {
    // A large collection may take longer than a request.
    await eventually(`the end of ${path}`, 300_000, () => lab.kubectl(["delete", "--raw", path]));
  }
  await eventually("the gateway's end", 120_000, async () => {
    const pods = await lab.gatewayPods(GATEWAYS[contender]);
    if (pods.length > 0) {
      throw new Error(`${pods.length} Pods are left`);
    }
  });
}

/** Paths in the API of all objects of the same kinds, without those of the core group. */
export function collections(objects: readonly Manifest[]): string[] {
  const paths = objects
    .filter(({ apiVersion }) => apiVersion.includes("/"))
    .map(({ apiVersion, kind, metadata }) =>
      ["/apis", apiVersion, "namespaces", metadata.namespace ?? "", plural(kind)].join("/"),
    );
  return [...new Set(paths)];
}

function plural(kind: string): string {
  return `${kind.toLowerCase()}s`.replace(/(?<!a)ys$/, "ies");
}
