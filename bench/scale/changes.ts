import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HTTPS_PORT } from "../../config/resolve/protocols";
import { hostKey } from "../../components/shared/filterByRoute";
import { CLIENT_OUTSIDE } from "../../lab/addresses";
import type { Lab } from "../../lab/lab";
import { cpuOf } from "../dataPlane/processes";
import { apply } from "../dataPlane/proxies";
import { watched } from "../propagation";
import { FOLDER, type Manifest } from "../stacks";
import type { WatchArgs } from "../watch";
import { ADDRESSES, CHANGED, GATEWAYS, hostOf, type Contender, type Deployed } from "./contenders";
import { rested } from "./istiod";
import { withOtherRule } from "./objects";
import { FIRST_VALUE, probes } from "./services";

/** What one change costs. */
export interface Change {
  /** Time from the API server to the first answer. */
  readonly seconds: number;
  /** CPU time of istiod until it rests again. */
  readonly istiodSeconds: number;
  /** CPU time of Envoy in the same time. */
  readonly envoySeconds: number;
}

/** @param one The change with this number, from 0. The first, for which connections are made, does not count. */
export async function changes(
  count: number,
  one: (number: number) => Promise<Change>,
  progress: (text: string) => void,
): Promise<Change[]> {
  const made: Change[] = [];
  for (let number = 0; number <= count; number += 1) {
    const change = await one(number);
    const [seconds, istiod, envoy] = [change.seconds, change.istiodSeconds, change.envoySeconds].map((s) =>
      s.toFixed(2),
    );
    progress(`${number}/${count} ${seconds} s, istiod's CPU ${istiod} s, Envoy's ${envoy} s`);
    made.push(change);
  }
  return made.slice(1);
}

/** Changes a response header of one route. */
export function changedRoute(lab: Lab, deployed: Deployed): (number: number) => Promise<Change> {
  const { contender, objects } = deployed;
  const host = hostOf(contender, CHANGED);
  const route = found(objects, ({ kind, spec }) => kind === "HTTPRoute" && JSON.stringify(spec).includes(`"${host}"`));
  return (number) => {
    const [before, after] = [`v${number}`, `v${number + 1}`];
    const text = JSON.stringify(route).replaceAll(`"${FIRST_VALUE}"`, `"${after}"`);
    return change(lab, deployed, {
      ...watchArgs(lab, contender, host, route),
      before,
      after,
      command: applyCommand(lab, text),
    });
  };
}

/** What the access rule of the first guarded host admits, and an address that no client has. */
const [ADMITTED, OTHER] = ["203.0.113.0", "198.51.100.0"] as const;

/** Changes the access rule of one host, so that the client is refused, and back. */
export function changedAccess(lab: Lab, deployed: Deployed): (number: number) => Promise<Change> {
  const { contender, services, objects } = deployed;
  const host = hostOf(contender, probes(services)["first guarded"]);
  const admitting = found(objects, ({ metadata }) => metadata.name === `${GATEWAYS[contender]}--access`);
  const refusing = withOtherRule(admitting, hostKey(host, HTTPS_PORT), ADMITTED, OTHER);
  const object = (status: string) => annotated(status === "200" ? admitting : refusing, status);
  return async (number) => {
    const [before, after] = number % 2 === 0 ? ["200", "403"] : ["403", "200"];
    if (number === 0) {
      await apply(lab, [object(before)]);
    }
    return change(lab, deployed, {
      ...watchArgs(lab, contender, host, admitting),
      field: ".metadata.annotations",
      header: ":status",
      before,
      after,
      command: applyCommand(lab, JSON.stringify(object(after))),
    });
  };
}

function found(objects: readonly Manifest[], isWanted: (object: Manifest) => boolean): Manifest {
  const object = objects.find(isWanted);
  if (object === undefined) {
    throw new Error("the object to change is not among the contender's");
  }
  return object;
}

/** The object says what it answers, where a watcher finds it. */
function annotated(object: Manifest, status: string): Manifest {
  const annotations = { "bench.test/status": status };
  return { ...object, metadata: { ...object.metadata, annotations } as Manifest["metadata"] };
}

function watchArgs(
  lab: Lab,
  contender: Contender,
  host: string,
  { kind, metadata: { name, namespace = "" } }: Manifest,
) {
  return {
    address: ADDRESSES[contender],
    host,
    from: CLIENT_OUTSIDE,
    object: { kind, name, namespace },
    kubectl: lab.tools.programs.kubectl,
  };
}

function applyCommand(lab: Lab, object: string): string[] {
  const file = join(FOLDER, "scale-change.json");
  writeFileSync(file, object);
  return [lab.tools.programs.kubectl, "apply", "--server-side", "--force-conflicts", "-f", file];
}

/** Measures a change from rest to rest. */
async function change(lab: Lab, { istiod, envoy }: Deployed, args: WatchArgs): Promise<Change> {
  const before = { istiod: await rested(istiod), envoy: cpuOf(envoy) };
  const seconds = await watched(lab, args);
  const istiodSeconds = (await rested(istiod)) - before.istiod;
  return { seconds, istiodSeconds, envoySeconds: cpuOf(envoy) - before.envoy };
}
