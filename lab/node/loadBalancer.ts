import { execFile } from "node:child_process";
import { isIP } from "node:net";
import { promisify } from "node:util";
import { DEFAULT_GATEWAY } from "../addresses";
import type { Client } from "../plugins/kubernetes/client";
import { HealthChecks } from "./healthChecks";
import type { Service } from "./objects";
import { report } from "./report";

const execute = promisify(execFile);

/** Where kube-proxy says whether the node can take connections to Services with `externalTrafficPolicy: Cluster`. */
const KUBE_PROXY_HEALTH = 10256;

/** Pause before an address that the API server refused is written again. Unit: milliseconds. */
const RETRY_MS = 1000;

/** Routing tables of the nodes: one each, by the mark of the connections that go there. */
const TABLES = 100;

export interface BalancedNode {
  readonly name: string;
  readonly number: number;
  readonly address: string;
}

/**
 * Gives each Service of type LoadBalancer an address, and brings its connections to the nodes whose health check passes, as the
 * load balancers of clouds do: a connection stays with its node until it ends. Two Services cannot share an address.
 * https://kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer/#preserving-the-client-source-ip
 */
export class LoadBalancer {
  /** Addresses of each Service, by its uid: what the API server says of it may be older. */
  private given: ReadonlyMap<string, readonly string[]> = new Map();
  private queue = Promise.resolve();
  private services: readonly Service[] = [];
  private readonly checks = new HealthChecks(() => this.route());
  private routed = "";

  constructor(
    private readonly client: Client,
    private readonly nodes: readonly BalancedNode[],
    private readonly nft: string,
  ) {}

  /** Makes the routing tables. Call it once, before `see`. */
  async start(): Promise<void> {
    for (const { number, address } of this.nodes) {
      await execute("ip", ["rule", "add", "fwmark", String(number), "lookup", String(TABLES + number)]);
      await execute("ip", ["route", "replace", "default", "via", address, "table", String(TABLES + number)]);
    }
  }

  see(services: readonly Service[]): void {
    this.services = services;
    this.queue = this.queue.then(() => this.sync(services)).catch(report);
  }

  private async sync(services: readonly Service[]): Promise<void> {
    const wanting = services.filter(({ spec }) => spec.type === "LoadBalancer" && spec.loadBalancerClass === undefined);
    this.given = addressesFor(wanting, this.given);
    const checks = new Map<string, Map<string, string>>();
    for (const service of wanting) {
      const addresses = this.given.get(service.metadata.uid) ?? [];
      if (addresses.length > 0 && addressesOf(service).join() !== addresses.join()) {
        await this.give(service, addresses);
      }
      const [address] = addresses;
      if (address !== undefined) {
        checks.set(address, new Map(this.nodes.map((node) => [node.name, healthUrl(service, node)])));
      }
    }
    this.checks.want(checks);
    this.route();
  }

  private async give({ metadata }: Service, addresses: readonly string[]): Promise<void> {
    const path = `/api/v1/namespaces/${metadata.namespace}/services/${metadata.name}/status`;
    const status = { loadBalancer: { ingress: addresses.map((ip) => ({ ip, ipMode: "VIP" })) } };
    try {
      await this.client.call("PATCH", path, { status }, "application/merge-patch+json");
    } catch (error) {
      report(error);
      // Nothing else may change that would bring it up again.
      setTimeout(() => this.see(this.services), RETRY_MS);
    }
  }

  /** Sends new connections to the nodes that are healthy now. */
  private route(): void {
    this.queue = this.queue.then(() => this.apply()).catch(report);
  }

  private async apply(): Promise<void> {
    const numbers = new Map(this.nodes.map(({ name, number }) => [name, number]));
    const addresses = [...this.given.values()].flatMap(([first]) =>
      first !== undefined && isIP(first) === 4 ? [first] : [],
    );
    const targets = new Map(
      addresses.map((address) => [address, this.checks.healthy(address).flatMap((name) => numbers.get(name) ?? [])]),
    );
    const rules = ruleset(targets);
    if (rules === this.routed) {
      return;
    }
    await this.load(rules);
    // A socket needs a route before its packets get the mark of their node. Without one, clients fail at once.
    const { stdout } = await execute("ip", ["-o", "route", "show", "proto", "static", "table", "main"]);
    const present = stdout.split("\n").flatMap((line) => /^(192\.168\.51\.\d+) /.exec(line)?.[1] ?? []);
    for (const [address, [number]] of targets) {
      const via = this.nodes.find((node) => node.number === number)?.address;
      if (via !== undefined) {
        await execute("ip", ["route", "replace", `${address}/32`, "via", via, "proto", "static"]);
      }
    }
    for (const address of present.filter((one) => (targets.get(one) ?? []).length === 0)) {
      await execute("ip", ["route", "delete", `${address}/32`]).catch(() => undefined);
    }
    this.routed = rules;
  }

  private async load(rules: string): Promise<void> {
    const loading = execute(this.nft, ["-f", "-"]);
    loading.child.stdin?.end(rules);
    await loading;
  }
}

/** Where a node says whether it can take a Service's connections. */
function healthUrl({ spec }: Service, { address }: BalancedNode): string {
  const port = spec.externalTrafficPolicy === "Local" ? spec.healthCheckNodePort : KUBE_PROXY_HEALTH;
  return `http://${address}:${port ?? KUBE_PROXY_HEALTH}/healthz`;
}

/**
 * Rules for nft that give each new connection the mark of a node, in turn, and every later packet of it the same.
 * @param targets Numbers of the nodes that may get connections, by address.
 */
export function ruleset(targets: ReadonlyMap<string, readonly number[]>): string {
  const picks = [...targets]
    .filter(([, numbers]) => numbers.length > 0)
    .map(([address, numbers]) => {
      const map = numbers.map((number, index) => `${index} : ${number}`).join(", ");
      return `    ip daddr ${address} ct mark 0 ct mark set numgen inc mod ${numbers.length} map { ${map} }`;
    });
  return [
    "table ip load_balancer",
    "delete table ip load_balancer",
    "table ip load_balancer {",
    "  chain pick {",
    ...picks,
    "    meta mark set ct mark",
    "  }",
    "  chain output {",
    "    type route hook output priority mangle",
    "    ip daddr 192.168.51.0/24 jump pick",
    "  }",
    "  chain prerouting {",
    "    type filter hook prerouting priority mangle",
    "    ip daddr 192.168.51.0/24 jump pick",
    "  }",
    "}",
    "",
  ].join("\n");
}

function addressesOf({ status }: Service): string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
}

/** What a Service asks for: IPv4 first. https://metallb.io/usage/#requesting-specific-ips */
function askedBy({ metadata, spec }: Service): string[] {
  const text = metadata.annotations?.["metallb.io/loadBalancerIPs"] ?? spec.loadBalancerIP ?? "";
  const asked = text.split(",").filter((address) => address !== "");
  return [...asked.filter((address) => !address.includes(":")), ...asked.filter((address) => address.includes(":"))];
}

/**
 * Addresses of each Service, by its uid: those that it was given, unless it asks for others; else what it asks for, or a free
 * one. None if one is taken.
 */
export function addressesFor(
  services: readonly Service[],
  given: ReadonlyMap<string, readonly string[]>,
): Map<string, readonly string[]> {
  const taken = new Set<string>();
  const found = new Map<string, readonly string[]>();
  const take = ({ metadata }: Service, addresses: readonly string[]) => {
    if (addresses.length > 0 && addresses.every((address) => !taken.has(address))) {
      found.set(metadata.uid, addresses);
      addresses.forEach((address) => taken.add(address));
    }
  };
  for (const service of services) {
    const current = given.get(service.metadata.uid) ?? addressesOf(service);
    const asked = askedBy(service);
    if (asked.length === 0 || asked.join() === current.join()) {
      take(service, current);
    }
  }
  for (const service of services.filter(({ metadata }) => !found.has(metadata.uid))) {
    const asked = askedBy(service);
    const free = firstFree(taken);
    take(service, asked.length > 0 ? asked : free === undefined ? [] : [free]);
  }
  return found;
}

/** The first address from the lab's default on that no Service has. */
function firstFree(taken: ReadonlySet<string>): string | undefined {
  const first = Number(DEFAULT_GATEWAY.split(".")[3]);
  const pool = Array.from({ length: 255 - first }, (_, index) =>
    DEFAULT_GATEWAY.replace(/\d+$/, String(first + index)),
  );
  return pool.find((address) => !taken.has(address));
}
