import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { PROJECT } from "../config/values/project";
import type { Lab } from "../lab/lab";
import { UserError } from "../lab/processes";

/** An object as JSON. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: unknown;
}

/** Temporary files of a run. */
export const FOLDER = mkdtempSync(join(tmpdir(), "gateway-bench-"));
process.once("exit", () => rmSync(FOLDER, { recursive: true, force: true }));

/**
 * Pulumi's CLI writes the whole state to a file before and after each step, unless this makes it write only at the end.
 * @see https://github.com/pulumi/pulumi/pull/10750
 */
export const ONE_WRITE = { PULUMI_SKIP_CHECKPOINTS: "true" };

const MANIFESTS = ["0-crd", "1-manifest"];

export interface StackArgs {
  /** Name of the gateway and prefix of its namespaces: each contender has its own objects. */
  readonly name: string;
  readonly services: number;
  /** Timeout of the first service. Unit: seconds. */
  readonly timeoutSeconds?: number;
}

/** Config keys of a stack: each service has a timeout, a rate limit and outlier ejection. */
export function stackValues({ name, services, timeoutSeconds = 3 }: StackArgs): Record<string, unknown> {
  return {
    domain: `${name}.test`,
    // No waiting, because kubectl does not wait either.
    gateway: { name, namespace: `${name}-system`, programmedTimeout: "0s", infrastructure: { preset: "small" } },
    services: servicesWith({ name, services }, (index) => ({
      timeouts: { request: `${index === 0 ? timeoutSeconds : 3}s` },
      rateLimit: { type: "local", requests: 100, per: "second" },
      trafficPolicy: { outlierDetection: { consecutive5xxErrors: 5, interval: "10s", baseEjectionTime: "30s" } },
    })),
  };
}

/** A stack's services. @param policies What each of them has besides its backend. */
export function servicesWith(
  { name, services }: Pick<StackArgs, "name" | "services">,
  policies: (index: number) => object,
): object[] {
  return Array.from({ length: services }, (_, index) => ({
    name: `service-${index}`,
    namespace: `${name}-apps`,
    port: 8080,
    ...policies(index),
  }));
}

/** Pulumi passes a stack's config in one environment variable, which Linux limits to 128 KiB. */
const SERVICES_IN_A_FILE = 100;

/** Writes a stack's file from its config keys, with files for a long list of services, and returns its path. */
export function stackFile(stack: string, { services, ...values }: Record<string, unknown>): string {
  const path = join(FOLDER, `Pulumi.${stack}.yaml`);
  const list = services as readonly object[];
  const own = list.slice(0, SERVICES_IN_A_FILE);
  const serviceFiles: string[] = [];
  for (let first = SERVICES_IN_A_FILE; first < list.length; first += SERVICES_IN_A_FILE) {
    const file = `${stack}-${first}.yaml`;
    writeFileSync(join(FOLDER, file), yaml(list.slice(first, first + SERVICES_IN_A_FILE)));
    serviceFiles.push(file);
  }
  const keys = { ...values, services: own, ...(serviceFiles.length > 0 ? { serviceFiles } : {}) };
  const config = Object.fromEntries(Object.entries(keys).map(([key, value]) => [`${PROJECT}:${key}`, value]));
  writeFileSync(path, yaml({ config }));
  return path;
}

/** Without aliases, however often a value occurs. */
function yaml(value: unknown): string {
  return stringify(value, { compat: "yaml-1.1", aliasDuplicateObjects: false });
}

/** Writes a stack's config to the lab's project. */
export async function takeStack(lab: Lab, stack: string, values: Record<string, unknown>): Promise<void> {
  await lab.take(stack, stackFile(stack, values));
}

export async function makeNamespaces(lab: Lab, name: string): Promise<void> {
  const items = [`${name}-system`, `${name}-apps`].map((namespace) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace },
  }));
  await lab.kubectl(["apply", "--server-side", "-f", "-"], list(items));
}

/** A stack's objects, as the program renders them. The stack is kept, as NAME-render; none of it is in the cluster. */
export async function renderedObjects(lab: Lab, name: string, values: Record<string, unknown>): Promise<Manifest[]> {
  const renderDirectory = mkdtempSync(join(FOLDER, "render-"));
  const stack = `${name}-render`;
  await takeStack(lab, stack, { ...values, kubernetes: { renderDirectory, gatewayApi: await gatewayApiOf(lab) } });
  const up = ["pulumi", "up", "--yes", "--skip-preview", "--stack", stack, "--non-interactive"];
  const { code, stdout, stderr } = await lab.run(up, { env: ONE_WRITE });
  if (code !== 0) {
    throw new UserError(`${stack} cannot be rendered:\n${stdout}${stderr}`);
  }
  const files = MANIFESTS.flatMap((folder) =>
    readdirSync(join(renderDirectory, folder)).map((file) => join(renderDirectory, folder, file)),
  );
  const objects = files.flatMap((file) =>
    parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS() as Manifest),
  );
  return objects;
}

/** Channel and version of the Gateway API's CRDs in the lab. */
async function gatewayApiOf(lab: Lab): Promise<{ channel: string; version: string }> {
  const httpRoutes = await lab.kubectl(["get", "crd", "httproutes.gateway.networking.k8s.io", "-o", "json"]);
  const { metadata } = JSON.parse(httpRoutes) as { metadata: { annotations: Record<string, string> } };
  const annotation = (key: string) => metadata.annotations[`gateway.networking.k8s.io/${key}`] ?? "";
  return { channel: annotation("channel"), version: annotation("bundle-version") };
}

export function list(items: readonly unknown[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

/** Writes objects to one file, for kubectl and the plain program. */
export function writeObjects(name: string, objects: readonly Manifest[]): string {
  const path = join(FOLDER, `${name}.json`);
  writeFileSync(path, list(objects));
  return path;
}
