import { join } from "node:path";
import { toolsFolder } from "../paths";
import { UserError } from "../processes";
import {
  ACTIONLINT,
  CERT_MANAGER,
  CONFORMANCE,
  COREDNS,
  ETCD,
  EXTERNAL_DNS,
  HELM,
  ISTIO_VERSIONS,
  KUBERNETES,
  KUBERNETES_PROVIDER,
  LANGUAGE_HOST,
  OLDER_GATEWAY_API,
  PEBBLE,
  PROMTOOL,
  PULUMI,
  RATELIMIT,
  REDIS_WHEEL,
  SSLYZE,
  VEGETA,
  VMAGENT,
  type GoSet,
  type IstioVersion,
  type PluginName,
} from "./catalogue";
import { isComplete } from "./goSet";
import { chosenIstio } from "./istioVersion";
import { buildSets, installReleases, isReleased, setFolder, type Place, type Step } from "./install";
import { hasNft, installNft, nftPath } from "./nft";
import { downloadPlugin, findProviders, PROVIDERS_VARIABLE, standIns, usersHomes, type Providers } from "./providers";
import { linkTo } from "./pulumi";
import { envoyPath, installPythonProgram, installWheel, redisPath, wheelFolder } from "./python";

/** Where the tools are. */
export interface Tools {
  /** Path of each program, by name. */
  readonly programs: Readonly<Record<Program, string>>;
  readonly crds: { readonly istio: string; readonly gatewayApi: Readonly<Record<Channel, string>> };
  readonly envoyBootstrap: string;
  readonly istio: IstioVersion;
  /** Istio's charts, in folders as in its repository. */
  readonly istioCharts: string;
  /** Plugin of each provider. */
  readonly providers: Providers;
  /** Providers that are stand-ins. */
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

/** In build order, Istio last: from the small ones, the estimate learns how fast this machine is. */
const SETS: readonly GoSet[] = [ETCD, VMAGENT, RATELIMIT, COREDNS, LANGUAGE_HOST, HELM, KUBERNETES, PULUMI];

const place = (): Place => ({ tools: toolsFolder(), sources: __dirname });
const folderOf = (set: GoSet) => setFolder(set, place());
const sets = (istio: IstioVersion): readonly GoSet[] => [...SETS, ISTIO_VERSIONS[istio].set];
/** A published Istio comes with its own Envoy. */
const hasEnvoy = (istio: IstioVersion) => isReleased(ISTIO_VERSIONS[istio].set, place());
const wheels = (istio: IstioVersion) => (hasEnvoy(istio) ? [REDIS_WHEEL] : [ISTIO_VERSIONS[istio].envoy, REDIS_WHEEL]);
/** What is neither downloaded as a release nor built. */
function missingPackages(istio: IstioVersion): Step[] {
  const tools = toolsFolder();
  const missing = wheels(istio).filter((wheel) => !isComplete(wheelFolder(wheel, tools)));
  return [
    ...missing.map((wheel) => ({ name: wheel, run: () => installWheel(wheel, tools) })),
    ...(hasNft(tools) ? [] : [{ name: "nft", run: () => installNft(tools) }]),
  ];
}
const missingSets = (istio: IstioVersion) => sets(istio).filter((set) => !isComplete(folderOf(set)));

/** Whether the lab can start without downloading or building anything. */
export function toolsAreCached(istio = chosenIstio()): boolean {
  return missingSets(istio).length === 0 && missingPackages(istio).length === 0;
}

/** Downloads or builds every missing tool. @throws UserError in one line. */
export async function ensureTools(version = chosenIstio()): Promise<Tools> {
  if (!toolsAreCached(version)) {
    await install(version);
  }
  const release = ISTIO_VERSIONS[version];
  const istio = folderOf(release.set);
  const programs: Record<string, string> = {
    envoy: hasEnvoy(version) ? join(istio, "envoy") : envoyPath(release.envoy, toolsFolder()),
    nft: nftPath(toolsFolder()),
    "redis-server": redisPath(toolsFolder()),
  };
  for (const set of sets(version)) {
    for (const program of Object.keys(set.programs)) {
      programs[program] = join(folderOf(set), program);
    }
  }
  // The CLI first looks for language hosts next to itself.
  const host = "pulumi-language-nodejs";
  linkTo(join(folderOf(LANGUAGE_HOST), host), join(folderOf(PULUMI), host));
  const providers = await labProviders(programs.pulumi ?? "pulumi", isReleased(PULUMI, place()));
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
    istio: version,
    istioCharts: join(istio, "istio-charts"),
    providers,
    standIns: standIns(providers),
  };
}

function labProviders(pulumi: string, official: boolean): Promise<Providers> {
  const home = join(toolsFolder(), "pulumi-home");
  const provider = folderOf(KUBERNETES_PROVIDER);
  return findProviders({
    choice: process.env[PROVIDERS_VARIABLE],
    path: process.env.PATH ?? "",
    homes: [home, ...usersHomes()],
    goModule: isComplete(provider) ? mainFile(KUBERNETES_PROVIDER) : undefined,
    // A CLI that was built here is on a machine that reaches registries only.
    download: async (name) => (official ? downloadPlugin(pulumi, home, name) : undefined),
  });
}

/** Needed only by some tests and the benchmark, or on demand: a program or a folder each, or a Python with its package. */
const OPTIONAL = {
  actionlint: ACTIONLINT,
  "cert-manager": CERT_MANAGER,
  conformance: CONFORMANCE,
  "external-dns": EXTERNAL_DNS,
  "gateway-api-older": OLDER_GATEWAY_API,
  pebble: PEBBLE,
  promtool: PROMTOOL,
  sslyze: SSLYZE,
  vegeta: VEGETA,
  "kubernetes-provider": KUBERNETES_PROVIDER,
} as const;

export type Optional = keyof typeof OPTIONAL;

/** @throws UserError if there is no such tool. */
export function optionalTool(name: string): Optional {
  if (!Object.hasOwn(OPTIONAL, name)) {
    throw new UserError(`there is no tool ${name}, expected one of ${Object.keys(OPTIONAL).join(", ")}`);
  }
  return name as Optional;
}

/** Path of such a program, folder or Python, which is downloaded or built on first use. @throws UserError in one line. */
export async function ensureOptional(name: Optional): Promise<string> {
  const set = OPTIONAL[name];
  if (typeof set === "string") {
    return installPythonProgram(set, toolsFolder());
  }
  if (!isComplete(folderOf(set))) {
    await buildSets(await installReleases([set], place()), place());
  }
  return mainFile(set);
}

/** A set's program, or its folder if it has none. */
function mainFile(set: GoSet): string {
  const [file = ""] = Object.keys({ ...set.programs, ...set.files });
  return join(folderOf(set), file);
}

/** Path of the conformance suite's echo server, whether or not it is built. */
export function echoBasicPath(): string {
  return join(folderOf(CONFORMANCE), "echo-basic");
}

/** Path of cert-manager's HTTP-01 solver, whether or not it is built. */
export function acmeSolverPath(): string {
  return join(folderOf(CERT_MANAGER), "acmesolver");
}

async function install(istio: IstioVersion): Promise<void> {
  const toBuild = await installReleases(missingSets(istio), place());
  await buildSets(toBuild, place(), missingPackages(istio));
}
