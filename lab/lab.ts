import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadStackFile } from "../config/load/stackFile";
import type { StackConfig } from "../config";
import { hostsOf } from "../config/resolve/model";
import { GATEWAY_NAME_LABEL, proxyName } from "../components/shared/naming";
import { CLUSTER_DNS, DEFAULT_GATEWAY } from "./addresses";
import { installClusterDns } from "./clusterDns";
import { addBackends, scaleBackend, startEcho, wantedBackends } from "./backends";
import { kubectl, startControlPlane, startProgram, type ControlPlaneProgram } from "./controlPlane";
import { installIstio, istioReady, runPlatform } from "./istioPlatform";
import { startKubeProxy } from "./kubeProxy";
import { backend, list, namespace, podStatus, tlsSecret } from "./manifests";
import { startNodeNetworks } from "./network";
import { startNodes } from "./node";
import { runningPods, type RunningPod } from "./pods";
import { restoreSnapshot, saveSnapshot } from "./snapshot";
import { COLLECTOR_MANIFESTS, COLLECTOR_NAMESPACE, startCollector } from "./otlp";
import { endHolder, enter, isAlive, outputInside, runInside, startHolder } from "./namespaces";
import { attach, eventually, output, UserError, type Result, type RunOptions } from "./processes";
import { Progress } from "./progress";
import { labEnv, prepareProject, stackFile, takeAllStacks, takeStack } from "./stacks";
import { freshFolder, labPath, readState, removeFolder, writeState, type LabState } from "./state";
import type { Channel, Tools } from "./tools";

export interface UpOptions {
  /** Of the Gateway API's CRDs. Default: experimental. */
  readonly channel?: Channel;
  /** A stack of the repository to prepare on the way. Default: none. */
  readonly stack?: string;
  /** Tools of other releases of Istio, for upgrades. Default: none. */
  readonly upgrade?: readonly Tools[];
}

/** A cluster with a control plane, gateways and backends, in its own Linux namespaces. */
export class Lab {
  private constructor(
    readonly tools: Tools,
    private state: LabState,
  ) {}

  /** The running lab. @throws UserError if none is running. */
  static running(tools: Tools): Lab {
    const state = readState();
    if (state === undefined) {
      throw new UserError("no lab is running: start one with npm start, or npm run lab -- up");
    }
    return new Lab(tools, state);
  }

  /**
   * The running lab, or a new one. A start that fails or is interrupted leaves no process behind.
   * @param stack One to prepare on the way.
   */
  static async up(tools: Tools, { channel = "experimental", stack, upgrade = [] }: UpOptions = {}): Promise<Lab> {
    const present = readState();
    if (present !== undefined) {
      if (present.istio !== tools.istio) {
        throw new UserError(`the running lab has Istio ${present.istio}, not ${tools.istio}: end it with npm stop`);
      }
      prepareProject(tools);
      const lab = new Lab(tools, present);
      await lab.prepareIfAny(stack);
      return lab;
    }
    freshFolder();
    const restored = await restoreSnapshot(tools, channel);
    const progress = new Progress("lab", restored ? 5 : 6);
    writeFileSync(labPath("hosts"), HOSTS);
    writeFileSync(labPath("resolv.conf"), `search cluster.local\nnameserver ${CLUSTER_DNS}\noptions ndots:5\n`);
    const holder = await progress.step("namespaces", () => startHolder(labPath("hosts"), labPath("resolv.conf")));
    try {
      const daemons = await progress.step("etcd, kube-apiserver", () => startControlPlane(holder.id.pid, tools));
      daemons.echo = await progress.step("backends", () => startEcho(holder.id.pid));
      await progress.step("nodes, kube-proxy", async () => {
        const nodes = await startNodeNetworks(holder.id.pid);
        daemons.nodes = await startNodes(holder.id.pid, tools, nodes, upgrade);
        for (const node of nodes) {
          daemons[node.name] = node.network;
          daemons[`kube-proxy-${node.number}`] = await startKubeProxy(node, tools);
        }
      });
      prepareProject(tools);
      const lab = new Lab(tools, { holder: holder.id, istio: tools.istio, daemons, backends: [], hosts: {} });
      if (restored) {
        await progress.step("cluster DNS, Istio", () => Promise.all([istioReady(lab.pid), lab.prepareIfAny(stack)]));
      } else {
        await progress.step("cluster DNS, Istio", async () => {
          await installClusterDns(lab.pid, tools);
          await installIstio(lab.pid, tools, channel);
          await istioReady(lab.pid);
        });
        await progress.step("a copy for the next start", () => saveSnapshot(tools, channel, daemons));
        await lab.prepareIfAny(stack);
      }
      lab.save(lab.state);
      holder.release();
      return lab;
    } catch (error) {
      endHolder(holder.id);
      throw error;
    }
  }

  /** Ends the lab and removes everything it created except the tools. Returns whether one was running. */
  static down(): boolean {
    const state = readState();
    if (state !== undefined) {
      endHolder(state.holder);
    }
    removeFolder();
    return state !== undefined;
  }

  get snapshot(): Readonly<LabState> {
    return this.state;
  }

  private get pid(): number {
    return this.state.holder.pid;
  }

  /** Runs a command inside, with KUBECONFIG, PULUMI_* and PATH set, and returns its output. */
  run(command: readonly string[], options: RunOptions = {}): Promise<Result> {
    return runInside(this.pid, command, { ...options, env: { ...labEnv(), ...options.env } });
  }

  /** Like `run`, for commands that must succeed. */
  output(command: readonly string[], options: RunOptions = {}): Promise<string> {
    return outputInside(this.pid, command, { ...options, env: { ...labEnv(), ...options.env } });
  }

  /** Runs a command inside on this terminal. Returns its exit code. */
  async exec(command: readonly string[]): Promise<number> {
    await takeAllStacks(this.pid);
    return this.attached(command);
  }

  /** Kills a program of the control plane, as in a crash. */
  kill(name: ControlPlaneProgram): void {
    const id = this.state.daemons[name];
    if (id !== undefined && isAlive(id)) {
      process.kill(id.pid, "SIGKILL");
    }
  }

  /** Restarts a program of the control plane that has ended, with the data it left behind. */
  async startAgain(name: ControlPlaneProgram): Promise<void> {
    const id = await startProgram(this.pid, this.tools, name);
    this.save({ ...this.state, daemons: { ...this.state.daemons, [name]: id } });
  }

  /** The running Pods of a gateway, oldest first. */
  gatewayPods(gateway: string): Promise<RunningPod[]> {
    return this.runningPods(`${GATEWAY_NAME_LABEL}=${gateway}`);
  }

  /** Runs a command in the network namespace of a gateway's Pod, where Envoy's admin port is. */
  async inProxy(gateway: string, command: readonly string[], replica = 0): Promise<string> {
    const pod = (await this.gatewayPods(gateway))[replica];
    if (pod === undefined) {
      throw new UserError(`gateway ${gateway} has no Pod ${replica}`);
    }
    return this.inPod(pod, command);
  }

  inPod({ pid }: RunningPod, command: readonly string[]): Promise<string> {
    return this.output(["nsenter", `--net=/proc/${pid}/ns/net`, ...command]);
  }

  private async runningPods(selector: string): Promise<RunningPod[]> {
    return runningPods(await this.kubectl(["get", "pods", "-A", "-l", selector, "-o", "json"]));
  }

  /** Kills the Envoy of a gateway's Pod, as in a crash: pilot-agent ends with it, and the kubelet starts the container again. */
  async killEnvoy(gateway: string, name: string): Promise<void> {
    const pid = (await this.gatewayPods(gateway)).find((pod) => pod.name === name)?.pid;
    if (pid === undefined) {
      throw new UserError(`gateway ${gateway} has no running Pod ${name}`);
    }
    await this.output(["sh", "-c", `kill -KILL $(cat /proc/${pid}/task/*/children)`]);
    await eventually(`Envoy of ${name} to end`, 30_000, async () => {
      if ((await this.run(["kill", "-0", String(pid)])).code === 0) {
        throw new Error("it is still running");
      }
    });
  }

  /** The Pods of istiod. */
  istiodPods(): Promise<readonly RunningPod[]> {
    return this.runningPods("app=istiod");
  }

  /** Kills istiod, as in a crash; the kubelet starts its container again. */
  async killIstiod(pods: readonly RunningPod[]): Promise<void> {
    await this.output(["kill", "-KILL", ...pods.map(({ pid }) => String(pid))]);
  }

  /** Runs pulumi on the stack of istio/ that installed the lab's Istio. */
  istioPlatform(args: readonly string[]): Promise<Result> {
    return runPlatform(this.pid, this.tools, args);
  }

  /** Gives istiod this many Pods, and waits until they are ready or gone. */
  async scaleIstiod(replicas: number): Promise<void> {
    await this.kubectl(["scale", "deployment/istiod", "-n", "istio-system", `--replicas=${replicas}`]);
    await this.istiodReady();
    if (replicas === 0) {
      await this.kubectl(["wait", "--for=delete", "pods", "-n", "istio-system", "-l", "app=istiod", "--timeout=60s"]);
    }
  }

  async istiodReady(): Promise<void> {
    await this.kubectl(["rollout", "status", "deployment/istiod", "-n", "istio-system", "--timeout=120s"]);
  }

  private attached(command: readonly string[]): Promise<number> {
    return attach("nsenter", [...enter(this.pid, process.cwd()), ...command], labEnv());
  }

  private async prepareIfAny(stack: string | undefined): Promise<void> {
    if (stack !== undefined) {
      await this.prepare(stack);
    }
  }

  /** Runs `pulumi up` of a prepared stack. Returns Pulumi's exit code. */
  deploy(stack: string): Promise<number> {
    const up = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", stack, "--suppress-outputs"];
    return this.attached(up);
  }

  /** Copies a stack's file into the lab's project, valid or not. */
  take(stack: string, file: string): Promise<void> {
    return takeStack(this.pid, stack, file);
  }

  /** Waits until all of a gateway's Pods run what its Deployment says. */
  async gatewayReady({ name, namespace }: StackConfig["gateway"]): Promise<void> {
    const deployment = `deployment/${proxyName({ name })}`;
    await this.kubectl(["rollout", "status", deployment, "-n", namespace, "--timeout=90s"]);
  }

  /** Creates what a stack expects to find: namespaces, Services with endpoints, host names. */
  async prepare(stack: string, file = stackFile(stack)): Promise<StackConfig> {
    const config = loadStackFile(file);
    await this.take(stack, file);
    const { gateway, services, telemetry } = config;
    const traced = telemetry.traces !== undefined;
    const wanted = wantedBackends(config);
    const namespaces = new Set([
      gateway.namespace,
      ...[...services, ...config.streams].map((s) => s.namespace),
      ...wanted.map((b) => b.namespace),
      ...(config.rateLimitService === undefined ? [] : [config.rateLimitService.namespace]),
      ...(traced ? [COLLECTOR_NAMESPACE] : []),
    ]);
    await this.apply([...namespaces].map(namespace));
    const backends = await addBackends(this.pid, this.tools, this.state.backends, wanted, this.state.daemons);
    if (traced) {
      const { daemons } = this.state;
      if (!("collector" in daemons)) {
        daemons.collector = await startCollector(this.pid);
      }
    }
    const address = gateway.address ?? DEFAULT_GATEWAY;
    await this.apply([
      ...backends.flatMap(backend),
      ...(traced ? COLLECTOR_MANIFESTS : []),
      ...(await this.existingSecrets(config)),
    ]);
    const statuses = backends.flatMap(podStatus);
    if (statuses.length > 0) {
      const applyStatus = ["apply", "--server-side", "--force-conflicts", "--subresource=status", "-f", "-"];
      await this.kubectl(applyStatus, list(statuses));
    }
    const hosts = Object.fromEntries(
      [
        ...config.domains.map((domain) => `unknown.${domain}`),
        ...hostsOf(config).map((host) => host.replace("*", "any")),
      ].map((host) => [host, address]),
    );
    this.save({ ...this.state, backends, hosts: { ...this.state.hosts, ...hosts } });
    return config;
  }

  /** Gives a backend's Service this many endpoints. */
  async scale(namespace: string, service: string, endpoints: number): Promise<void> {
    const { backends: present, daemons } = this.state;
    const backends = await scaleBackend(this.pid, this.tools, present, { namespace, service }, endpoints, daemons);
    await this.apply(backends.flatMap(backend));
    this.save({ ...this.state, backends });
  }

  private save(state: LabState): void {
    this.state = state;
    writeState(state);
    const lines = Object.entries(state.hosts).map(([host, address]) => `${address} ${host}\n`);
    // In place: the lab's /etc/hosts is a bind mount of this inode.
    writeFileSync(labPath("hosts"), HOSTS + lines.join(""));
  }

  kubectl(args: readonly string[], input?: string): Promise<string> {
    return kubectl(this.pid, this.tools, args, input);
  }

  private async apply(items: readonly Record<string, unknown>[]): Promise<void> {
    const apply = ["apply", "--server-side", "--force-conflicts", "--field-manager=lab", "-f", "-"];
    // A namespace still being deleted after a destroy, or a stale cache, resolves itself.
    await eventually("the cluster's objects", 30_000, () => this.kubectl(apply, list(items)), 500);
  }

  /** The certificates of a stack whose Secrets already exist, in PEM; empty if there is none. */
  existingCertificates(config: StackConfig): string {
    const files = existingSecrets(config).map(({ secretName }) => existingFile(config, secretName, "crt"));
    return files.map((file) => readFileSync(file, "utf8")).join("");
  }

  /** The Secrets that `existing` certificates name: self-signed, created once. */
  private async existingSecrets(config: StackConfig): Promise<Record<string, unknown>[]> {
    const secrets = existingSecrets(config).map(async ({ secretName, dnsNames }) => {
      const file = (suffix: string) => existingFile(config, secretName, suffix);
      if (!existsSync(file("crt"))) {
        const key = secretName.includes("ecdsa")
          ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
          : ["-newkey", "rsa:2048"];
        const names = `subjectAltName=${dnsNames.map((name) => `DNS:${name}`).join(",")}`;
        const request = ["req", "-x509", ...key, "-nodes", "-days", "30", "-subj", `/CN=${dnsNames[0] ?? ""}`];
        await output("openssl", [...request, "-addext", names, "-keyout", file("key"), "-out", file("crt")]);
      }
      const [certificate, key] = ["crt", "key"].map((suffix) => readFileSync(file(suffix), "utf8"));
      return tlsSecret(secretName, config.gateway.namespace, certificate ?? "", key ?? "");
    });
    return Promise.all(secrets);
  }
}

function existingSecrets({ certificates }: StackConfig): { secretName: string; dnsNames: readonly string[] }[] {
  return certificates
    .filter(({ config }) => config.type === "existing")
    .map(({ config, dnsNames }) => ({ secretName: config.secretName, dnsNames }));
}

function existingFile({ gateway }: StackConfig, secretName: string, suffix: string): string {
  return labPath(`${gateway.namespace}-${secretName}.${suffix}`);
}

/** Host names of every lab; those of the stacks follow. */
const HOSTS = "127.0.0.1 localhost\n";
