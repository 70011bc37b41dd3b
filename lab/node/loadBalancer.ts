import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { DEFAULT_GATEWAY } from "../addresses";
import type { Client } from "../plugins/kubernetes/client";
import type { EndpointSlice, Service } from "./objects";
import { report } from "./report";

const execute = promisify(execFile);

/**
 * Gives each Service of type LoadBalancer an address and brings its connections to one node, as MetalLB in layer-2 mode
 * does: with `externalTrafficPolicy: Local` to a node with a ready endpoint. Two Services cannot share an address.
 * https://metallb.io/concepts/layer2/
 */
export class LoadBalancer {
  private readonly routes = new Map<string, string>();
  /** Address of each Service, by its uid: what the API server says of it may be older. */
  private given: ReadonlyMap<string, string> = new Map();
  private queue = Promise.resolve();

  /** @param nodes Address of each node, by name. */
  constructor(
    private readonly client: Client,
    private readonly nodes: ReadonlyMap<string, string>,
  ) {}

  see(services: readonly Service[], slices: readonly EndpointSlice[]): void {
    this.queue = this.queue.then(() => this.sync(services, slices)).catch(report);
  }

  private async sync(services: readonly Service[], slices: readonly EndpointSlice[]): Promise<void> {
    const wanting = services.filter(({ spec }) => spec.type === "LoadBalancer" && spec.loadBalancerClass === undefined);
    this.given = addressesFor(wanting, this.given);
    for (const service of wanting) {
      const address = this.given.get(service.metadata.uid);
      if (address !== undefined) {
        if (addressOf(service) !== address) {
          await this.give(service, address);
        }
        await this.route(address, this.nodeOf(service, slices));
      }
    }
    const inUse = new Set(this.given.values());
    for (const address of this.routes.keys()) {
      if (!inUse.has(address)) {
        await this.route(address, undefined);
      }
    }
  }

  private async give({ metadata }: Service, address: string): Promise<void> {
    const path = `/api/v1/namespaces/${metadata.namespace}/services/${metadata.name}/status`;
    const status = { loadBalancer: { ingress: [{ ip: address, ipMode: "VIP" }] } };
    await this.client.call("PATCH", path, { status }, "application/merge-patch+json").catch(report);
  }

  /** The node that answers for a Service: the first one that can; none while no endpoint is ready. */
  private nodeOf({ metadata, spec }: Service, slices: readonly EndpointSlice[]): string | undefined {
    const own = slices.filter(
      (slice) =>
        slice.metadata.namespace === metadata.namespace &&
        slice.metadata.labels?.["kubernetes.io/service-name"] === metadata.name,
    );
    const ready = own
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false);
    const isLocal = spec.externalTrafficPolicy === "Local";
    const node = [...this.nodes].find(([name]) => ready.some(({ nodeName }) => !isLocal || nodeName === name));
    return node?.[1];
  }

  private async route(address: string, node: string | undefined): Promise<void> {
    if (this.routes.get(address) === node) {
      return;
    }
    const command =
      node === undefined ? ["route", "delete", `${address}/32`] : ["route", "replace", `${address}/32`, "via", node];
    await execute("ip", command).catch(() => undefined);
    if (node === undefined) {
      this.routes.delete(address);
    } else {
      this.routes.set(address, node);
    }
  }
}

function addressOf({ status }: Service): string | undefined {
  return status?.loadBalancer?.ingress?.[0]?.ip;
}

/**
 * Address of each Service, by its uid: the one that it was given, unless it asks for another; else what it asks for, or a free
 * one. None if that is taken.
 */
export function addressesFor(services: readonly Service[], given: ReadonlyMap<string, string>): Map<string, string> {
  const taken = new Map<string, string>();
  for (const service of services) {
    const { uid } = service.metadata;
    const current = given.get(uid) ?? addressOf(service);
    if (current !== undefined && (service.spec.loadBalancerIP ?? current) === current && !taken.has(current)) {
      taken.set(current, uid);
    }
  }
  const served = new Set(taken.values());
  for (const { metadata, spec } of services.filter((service) => !served.has(service.metadata.uid))) {
    const address = spec.loadBalancerIP ?? firstFree(taken);
    if (address !== undefined && !taken.has(address)) {
      taken.set(address, metadata.uid);
    }
  }
  return new Map([...taken].map(([address, uid]) => [uid, address]));
}

/** The first address from the lab's default on that no Service has. */
function firstFree(taken: ReadonlyMap<string, string>): string | undefined {
  const first = Number(DEFAULT_GATEWAY.split(".")[3]);
  const pool = Array.from({ length: 255 - first }, (_, index) =>
    DEFAULT_GATEWAY.replace(/\d+$/, String(first + index)),
  );
  return pool.find((address) => !taken.has(address));
}
