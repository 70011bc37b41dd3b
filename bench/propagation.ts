import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab/lab";
import { REPOSITORY } from "../lab/paths";
import { costText, interleaved } from "./clock";
import { ratio, type Results } from "./figure";
import type { Options } from "./options";
import { FOLDER, stackFile, takeStack, type Manifest } from "./stacks";
import type { Seen, WatchArgs } from "./watch";

const STACK = "propagation";
const DOMAIN = "propagation.test";
const NAMESPACE = "propagation-apps";
const ADDRESS = "192.168.51.230";
const KUBECTL = "kubectl";
/** Names of the two routes. */
const ROUTES = { web: "web.propagation.propagation-system", [KUBECTL]: KUBECTL } as const;

/** Config keys of a stack with one service, whose responses contain a value. */
function values(value: string): Record<string, unknown> {
  return {
    domain: DOMAIN,
    gateway: {
      name: STACK,
      namespace: "propagation-system",
      address: ADDRESS,
      infrastructure: { preset: "small" },
    },
    services: [{ name: "web", namespace: NAMESPACE, port: 8080, responseHeaders: { set: { "x-bench": value } } }],
  };
}

/** Time from a changed route in the API server to the first response through it, changed by `up` and by kubectl. */
export async function propagation(lab: Lab, { pairs, progress }: Options): Promise<Results> {
  await lab.prepare(STACK, stackFile(STACK, values("v0")));
  const up = ["pulumi", "up", "--yes", "--skip-preview", "--stack", STACK, "--non-interactive"];
  await lab.output(up);
  const route = await liveRoute(lab);
  const file = join(FOLDER, "route.json");
  const write = (value: string) => writeFileSync(file, JSON.stringify(route).replaceAll('"v0"', `"${value}"`));
  const apply = [lab.tools.programs.kubectl, "apply", "--server-side", "-f", file];
  write("v0");
  await lab.output(apply);

  const counts = { web: 0, [KUBECTL]: 0 };
  const measure = async (name: keyof typeof counts, command: readonly string[], change: (value: string) => unknown) => {
    const before = `v${counts[name]}`;
    counts[name] += 1;
    const after = `v${counts[name]}`;
    await change(after);
    const wallSeconds = await watched(lab, {
      address: ADDRESS,
      host: `${name}.${DOMAIN}`,
      object: { kind: "httproute", name: ROUTES[name], namespace: NAMESPACE },
      kubectl: lab.tools.programs.kubectl,
      before,
      after,
      command,
    });
    return { wallSeconds, cpuSeconds: 0 };
  };
  const rounds = await interleaved(
    pairs,
    {
      gateway: () => measure("web", up, (value) => takeStack(lab, STACK, values(value))),
      kubectl: () => measure(KUBECTL, apply, write),
    },
    progress,
    costText,
  );
  const what = "propagation of a changed route to the first answer, against kubectl apply --server-side";
  const figure = ratio(what, rounds, (round) => round.gateway.wallSeconds / round.kubectl.wallSeconds, 1.2);
  return { figures: [{ ...figure, cpu: undefined }], samples: { propagation: rounds } };
}

/** The service's route as an object for kubectl, with another name and host. */
async function liveRoute(lab: Lab): Promise<Manifest> {
  const text = await lab.kubectl(["get", "httproute", ROUTES.web, "-n", NAMESPACE, "-o", "json"]);
  const { apiVersion, kind, spec } = JSON.parse(text.replaceAll(`web.${DOMAIN}`, `${KUBECTL}.${DOMAIN}`)) as Manifest;
  // Rule names must be unique in a gateway.
  const rules = (spec as { rules: object[] }).rules.map((rule, index) => ({ ...rule, name: `${KUBECTL}--${index}` }));
  return {
    apiVersion,
    kind,
    metadata: { name: KUBECTL, namespace: NAMESPACE },
    spec: { ...(spec as object), rules },
  };
}

/** Time from the changed object in the API server to the first answer by it. Unit: seconds. */
export async function watched(lab: Lab, args: WatchArgs): Promise<number> {
  const program = ["-r", "ts-node/register/transpile-only", join(REPOSITORY, "bench", "watch.ts")];
  const said = await lab.output([process.execPath, ...program, JSON.stringify(args)], { cwd: REPOSITORY });
  const { applied, served } = JSON.parse(said) as Seen;
  return (served - applied) / 1000;
}
