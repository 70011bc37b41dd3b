import type { Lab } from "../lab/lab";
import { timed, type Cost } from "./clock";
import { Program } from "./programs";
import {
  makeNamespaces,
  ONE_WRITE,
  renderedObjects,
  stackValues,
  takeStack,
  writeObjects,
  type Manifest,
} from "./stacks";

/** One way to deploy a number of services to the cluster. */
export interface Contender {
  /**
   * Previews the change.
   *
   * @param env Additional environment variables for Pulumi. Default: none.
   */
  preview(env?: NodeJS.ProcessEnv): Promise<Cost>;
  /** @param env Additional environment variables for Pulumi. Default: none. */
  up(env?: NodeJS.ProcessEnv): Promise<Cost>;
  /** Removes what it created from the cluster. */
  destroy(): Promise<void>;
  /** Changes the timeout of one route; the next `up` applies it. */
  change(timeoutSeconds: number): Promise<void>;
}

export type Name = "gateway" | "empty" | "plain" | "kubectl";

/** All contenders for a number of services, with nothing in the cluster yet, and the objects that they deploy. */
export async function contenders(
  lab: Lab,
  prefix: string,
  services: number,
): Promise<{ all: Record<Name, Contender>; objects: Manifest[] }> {
  const name = (kind: Name) => `${prefix}-${kind}-${services}`;
  for (const kind of ["gateway", "plain", "kubectl"] as const) {
    await makeNamespaces(lab, name(kind));
  }
  const plainObjects = await renderedObjects(lab, name("plain"), stackValues({ name: name("plain"), services }));
  // The same objects under other names.
  const text = JSON.stringify(plainObjects).replaceAll(name("plain"), name("kubectl"));
  const all = {
    gateway: await gateway(lab, name("gateway"), services),
    empty: await program(lab, "empty", name("empty"), []),
    plain: await program(lab, "plain", name("plain"), plainObjects),
    kubectl: kubectl(lab, name("kubectl"), JSON.parse(text) as Manifest[]),
  };
  return { all, objects: plainObjects };
}

async function gateway(lab: Lab, name: string, services: number): Promise<Contender> {
  const change = (timeoutSeconds?: number) => takeStack(lab, name, stackValues({ name, services, timeoutSeconds }));
  const pulumi = (words: readonly string[], env?: NodeJS.ProcessEnv) =>
    timed(lab, ["pulumi", ...words, "--stack", name, "--non-interactive"], { env });
  await change();
  return {
    preview: (env) => pulumi(["preview"], env),
    up: (env) => pulumi(["up", "--yes", "--skip-preview"], env),
    destroy: async () => {
      await pulumi(["destroy", "--yes", "--skip-preview"], ONE_WRITE);
    },
    change,
  };
}

async function program(
  lab: Lab,
  kind: "empty" | "plain",
  name: string,
  objects: readonly Manifest[],
): Promise<Contender> {
  const made = await Program.make(lab, kind, name, kind === "plain" ? writeObjects(name, objects) : undefined);
  return {
    preview: (env) => made.preview(env),
    up: (env) => made.up(env),
    destroy: () => made.destroy(),
    change: (timeoutSeconds) => {
      writeObjects(name, withTimeout(objects, timeoutSeconds));
      return Promise.resolve();
    },
  };
}

function kubectl(lab: Lab, name: string, objects: readonly Manifest[]): Contender {
  const file = writeObjects(name, objects);
  const run = (...words: string[]) => timed(lab, [lab.tools.programs.kubectl, ...words, "-f", file]);
  return {
    preview: () => run("diff", "--server-side"),
    up: () => run("apply", "--server-side"),
    destroy: async () => {
      const owned = objects.filter(({ kind }) => kind !== "Namespace");
      await lab.kubectl(["delete", "--ignore-not-found", "-f", writeObjects(`${name}-owned`, owned)]);
    },
    change: (timeoutSeconds) => {
      writeObjects(name, withTimeout(objects, timeoutSeconds));
      return Promise.resolve();
    },
  };
}

interface RouteSpec {
  readonly rules: readonly { readonly timeouts?: { readonly request: string } }[];
}

/** The objects, with a different timeout in the first service's route. */
function withTimeout(objects: readonly Manifest[], timeoutSeconds: number): Manifest[] {
  return objects.map((object) => {
    if (object.kind !== "HTTPRoute" || !object.metadata.name.startsWith("service-0.")) {
      return object;
    }
    const spec = object.spec as RouteSpec;
    const rules = spec.rules.map((rule) => ({
      ...rule,
      timeouts: { ...rule.timeouts, request: `${timeoutSeconds}s` },
    }));
    return { ...object, spec: { ...spec, rules } };
  });
}
