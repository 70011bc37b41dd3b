import type { Client, Kind, KubernetesObject } from "./client";

const RETRY_MS = 1000;

/**
 * Follows the objects of some kinds in a namespace, by list and watch as the official provider does. Without the right to do so it
 * knows nothing, and keeps trying: the official provider hangs.
 */
export class Follower {
  private readonly ending = new AbortController();
  private readonly known = new Map<string, Map<string, KubernetesObject>>();

  constructor(
    private readonly client: Client,
    private readonly namespace: string | undefined,
    private readonly kinds: readonly Kind[],
  ) {
    for (const kind of kinds) {
      void this.follow(kind);
    }
  }

  /** Whether everything has been listed at least once. */
  get isSynced(): boolean {
    return this.known.size === this.kinds.length;
  }

  objects(kind: string): readonly KubernetesObject[] {
    return [...(this.known.get(kind)?.values() ?? [])];
  }

  stop(): void {
    this.ending.abort();
  }

  private async follow({ apiVersion, kind }: Kind): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted) {
      try {
        const { items, metadata } = await this.client.list({ apiVersion, kind }, this.namespace);
        // The items of a list do not say their kind.
        const objects = new Map(items.map((object) => [object.metadata.name, { ...object, apiVersion, kind }]));
        this.known.set(kind, objects);
        const report: Parameters<Client["watch"]>[3] = ({ type, object }) => {
          if (type === "DELETED") {
            objects.delete(object.metadata.name);
          } else if (type !== "ERROR") {
            objects.set(object.metadata.name, object);
          }
        };
        await this.client.watch({ apiVersion, kind }, this.namespace, metadata.resourceVersion, report, signal);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}
