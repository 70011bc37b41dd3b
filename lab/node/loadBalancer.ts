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
    const taken = new Map<string, string>();
    for (const service of wanting) {
      const current = addressOf(service);
      if (current !== undefined && (service.spec.loadBalancerIP ?? current) === current) {
        taken.set(current, service.metadata.uid);
      }
    }
    for (const service of wanting) {
      const { uid } = service.metadata;
      const wanted = service.spec.loadBalancerIP;
      const held = [...taken].find(([, owner]) => owner === uid)?.[0];
      const address = held ?? (wanted === undefined ? firstFree(taken) : taken.has(wanted) ? undefined : wanted);
      if (address === undefined) {
        continue;
      }
      taken.set(address, uid);
      if (addressOf(service) !== address) {
        await this.give(service, address);
      }
      await this.route(address, this.nodeOf(service, slices));
    }
    for (const address of this.routes.keys()) {
      if (!taken.has(address)) {
        await this.route(address, undefined);
      }
    }
  }

  private async give({ metadata }: Service, address: string): Promise<void> {
    const path = `/api/v1/namespaces/${metadata.namespace}/services/${metadata.name}/status`;
    const status = { loadBalancer: { ingress: [{ ip: address, ipMode: "VIP" }] } };
    await this.client.call("PATCH", path, { status }, "application/merge-patch+json").catch(report);
  }

  /** The node that answers for a Service: the first one that can. */
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
    const node = [...this.nodes].find(([name]) => !isLocal || ready.some(({ nodeName }) => nodeName === name));
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

/** The first address from the lab's default on that no Service has. */
function firstFree(taken: ReadonlyMap<string, string>): string {
  const last = Number(DEFAULT_GATEWAY.split(".")[3]);
  for (let number = last; ; number += 1) {
    const address = DEFAULT_GATEWAY.replace(/\d+$/, String(number));
    if (!taken.has(address)) {
      return address;
    }
  }
}
