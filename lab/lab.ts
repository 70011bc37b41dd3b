import { readFileSync, writeFileSync } from "node:fs";
import { infrastructureAnnotations } from "../components/entry/clientAddress";
import { statsAnnotations } from "../components/telemetry/metrics";
import { loadStackFile } from "../config/load/stackFile";
import type { StackConfig } from "../config";
import { DEFAULT_GATEWAY, ISTIOD, ISTIOD_HOST, replicaAddress } from "./addresses";
import { addBackends, scaleBackend, startEcho, wantedBackends } from "./backends";
import {
  CONTROL_PLANE_STEPS,
  kubeEnv,
  startControlPlane,
  startProgram,
  type ControlPlaneProgram,
} from "./controlPlane";
import { annotateGatewayProxy, gatewayPod, startGatewayProxy, startGatewayProxyAgain } from "./gatewayProxy";
import {
  backend,
  gatewayInfrastructure,
  gatewayPodStatus,
  list,
  loadBalancerStatus,
  namespace,
  podStatus,
  tlsSecret,
} from "./manifests";
import { startNode } from "./node";
import { COLLECTOR_MANIFESTS, COLLECTOR_NAMESPACE, startCollector } from "./otlp";
import { childrenOf, endHolder, enter, isAlive, outputInside, runInside, startHolder } from "./namespaces";
import { attach, eventually, output, UserError, type Result, type RunOptions } from "./processes";
import { Progress } from "./progress";
import { labEnv, prepareProject, stackFile, takeAllStacks, takeStack } from "./stacks";
import { freshFolder, labPath, readState, removeFolder, writeState, type LabState, type ProxyState } from "./state";
import type { Channel, Tools } from "./tools";

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

  /** The running lab, or a new one. A start that fails or is interrupted leaves no process behind. */
  static async up(tools: Tools, channel: Channel = "experimental"): Promise<Lab> {
    const present = readState();
    if (present !== undefined) {
      if (present.istio !== tools.istio) {
        throw new UserError(`the running lab has Istio ${present.istio}, not ${tools.istio}: end it with npm stop`);
      }
      prepareProject(tools);
      return new Lab(tools, present);
    }
    freshFolder();
    const progress = new Progress("lab", CONTROL_PLANE_STEPS + 3);
    writeFileSync(labPath("hosts"), HOSTS);
    const holder = await progress.step("namespaces", () => startHolder(labPath("hosts")));
    try {
      const daemons = await startControlPlane(holder.id.pid, tools, channel, progress);
      daemons.echo = await progress.step("backends", () => startEcho(holder.id.pid));
      daemons.node = await progress.step("node", () => startNode(holder.id.pid, tools));
      prepareProject(tools);
      const state: LabState = { holder: holder.id, istio: tools.istio, daemons, proxies: [], backends: [], hosts: {} };
      writeState(state);
      holder.release();
      return new Lab(tools, state);
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

  /** Runs a command in a gateway proxy's network namespace, where Envoy's admin port is. */
  inProxy(number: number, command: readonly string[]): Promise<string> {
    return outputInside(this.proxy(number).network.pid, command);
  }

  /** Kills a gateway's Envoy, as in a crash; its pilot-agent ends with it, as its container would. */
  async killEnvoy(number: number): Promise<void> {
    const { agent } = this.proxy(number);
    for (const pid of childrenOf(agent.pid)) {
      process.kill(pid, "SIGKILL");
    }
    await eventually(`proxy-${number} to end`, 30_000, () =>
      isAlive(agent) ? Promise.reject(new Error("it is still running")) : Promise.resolve(),
    );
  }

  /** Restarts a gateway proxy that has ended, as a kubelet would. */
  async startProxyAgain(number: number): Promise<void> {
    const proxies = [...this.state.proxies];
    proxies[number] = await startGatewayProxyAgain(this.tools, this.proxy(number), number);
    this.save({ ...this.state, proxies });
  }

  private proxy(number: number): ProxyState {
    const proxy = this.state.proxies[number];
    if (proxy === undefined) {
      throw new UserError(`there is no gateway proxy ${number}`);
    }
    return proxy;
  }

  private attached(command: readonly string[]): Promise<number> {
    return attach("nsenter", [...enter(this.pid, process.cwd()), ...command], labEnv());
  }

  /** Creates what a stack expects to find, and runs `pulumi up`. Returns Pulumi's exit code. */
  async deploy(stack: string, file = stackFile(stack), replicas = 1): Promise<number> {
    await this.prepare(stack, file, replicas);
    return this.attached(["pulumi", "up", "--yes", "--non-interactive", "--stack", stack, "--suppress-outputs"]);
  }

  /** Copies a stack's file into the lab's project, valid or not. */
  take(stack: string, file: string): Promise<void> {
    return takeStack(this.pid, stack, file);
  }

  /**
   * Creates what a stack expects to find: namespaces, Services with endpoints, the gateway's proxies, host names.
   * @param replicas Number of gateway proxies; host names resolve to the first, the others have the addresses that follow.
   */
  async prepare(stack: string, file = stackFile(stack), replicas = 1): Promise<StackConfig> {
    const config = loadStackFile(file);
    await this.take(stack, file);
    const { gateway, services, telemetry } = config;
    const traced = telemetry.traces !== undefined;
    const wanted = wantedBackends(services);
    const namespaces = new Set([
      gateway.namespace,
      ...services.map((s) => s.namespace),
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
    const addresses = Array.from({ length: replicas }, (_, replica) => replicaAddress(address, replica));
    const numbers = this.proxyNumbers(addresses);
    const pods = numbers.map((number) => gatewayPod(gateway.name, number));
    await this.apply([
      ...backends.flatMap(backend),
      ...(traced ? COLLECTOR_MANIFESTS : []),
      ...gatewayInfrastructure(gateway.name, gateway.namespace, pods),
      ...(config.certificate.type === "existing" ? [await this.existingSecret(config)] : []),
    ]);
    const statuses = [
      loadBalancerStatus(gateway.name, gateway.namespace, address),
      ...addresses.map((own, replica) => gatewayPodStatus(pods[replica] ?? "", gateway.namespace, own)),
      ...backends.flatMap(podStatus),
    ];
    const applyStatus = ["apply", "--server-side", "--force-conflicts", "--subresource=status", "-f", "-"];
    await this.kubectl(applyStatus, list(statuses));
    const proxies = [...this.state.proxies];
    for (const [replica, number] of numbers.entries()) {
      const proxy = proxies[number];
      const args = {
        gateway: gateway.name,
        namespace: gateway.namespace,
        address: addresses[replica] ?? "",
        number,
        annotations: { ...infrastructureAnnotations(gateway.clientAddress), ...statsAnnotations(telemetry) },
      };
      proxies[number] =
        proxy === undefined
          ? await startGatewayProxy(this.pid, this.tools, args)
          : await annotateGatewayProxy(this.tools, proxy, args);
    }
    const hosts = Object.fromEntries(
      [`unknown.${config.domain}`, ...services.map(({ host }) => host)].map((host) => [host, address]),
    );
    this.save({ ...this.state, backends, proxies, hosts: { ...this.state.hosts, ...hosts } });
    return config;
  }

  /** Numbers of the gateway proxies with these addresses: those that run keep theirs. */
  private proxyNumbers(addresses: readonly string[]): number[] {
    const { proxies } = this.state;
    const added = addresses.filter((address) => !proxies.some((proxy) => proxy.address === address));
    return addresses.map((address) => {
      const present = proxies.findIndex((proxy) => proxy.address === address);
      return present === -1 ? proxies.length + added.indexOf(address) : present;
    });
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
    const services = state.backends.map(({ service, namespace, address }) => [
      `${service}.${namespace}.svc.cluster.local`,
      address,
    ]);
    const lines = [...Object.entries(state.hosts), ...services].map(([host, address]) => `${address} ${host}\n`);
    // In place: the lab's /etc/hosts is a bind mount of this inode.
    writeFileSync(labPath("hosts"), HOSTS + lines.join(""));
  }

  kubectl(args: readonly string[], input?: string): Promise<string> {
    return this.output([this.tools.programs.kubectl, ...args], { env: kubeEnv(), input });
  }

  private async apply(items: readonly Record<string, unknown>[]): Promise<void> {
    const apply = ["apply", "--server-side", "--force-conflicts", "--field-manager=lab", "-f", "-"];
    // A namespace still being deleted after a destroy, or a stale cache, resolves itself.
    await eventually("the cluster's objects", 30_000, () => this.kubectl(apply, list(items)), 500);
  }

  /** Certificate file of a stack whose Secret already exists. */
  existingCertificate(config: StackConfig): string {
    return existingFile(config, "crt");
  }

  /** The Secret that an `existing` certificate names: self-signed, created once. */
  private async existingSecret(config: StackConfig): Promise<Record<string, unknown>> {
    const { domain, gateway, certificate } = config;
    const { secretName } = certificate;
    const file = (suffix: string) => existingFile(config, suffix);
    const names = `subjectAltName=DNS:*.${domain},DNS:${domain}`;
    const made = await output("test", ["-f", file("crt")]).then(
      () => true,
      () => false,
    );
    if (!made) {
      const request = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "30",
        "-subj",
        `/CN=*.${domain}`,
        "-addext",
        names,
      ];
      await output("openssl", [...request, "-keyout", file("key"), "-out", file("crt")]);
    }
    return tlsSecret(
      secretName,
      gateway.namespace,
      readFileSync(file("crt"), "utf8"),
      readFileSync(file("key"), "utf8"),
    );
  }
}

function existingFile({ gateway, certificate }: StackConfig, suffix: string): string {
  return labPath(`${gateway.namespace}-${certificate.secretName}.${suffix}`);
}

/** Host names of every lab; those of the stacks follow. */
const HOSTS = `127.0.0.1 localhost\n${ISTIOD} ${ISTIOD_HOST}\n`;
