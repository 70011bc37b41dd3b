import type { Client } from "../plugins/kubernetes/client";
import type { Metadata } from "./objects";
import { report } from "./report";

interface Watched {
  metadata: Metadata & { resourceVersion?: string };
}

/** Pause before a broken watch starts again. Unit: milliseconds. */
const RETRY_MS = 500;

/** Follows all objects of a list, and reports each state of it. Runs until the process ends. */
export async function follow<T extends Watched>(
  client: Client,
  path: string,
  seen: (objects: ReadonlyMap<string, T>) => void,
): Promise<never> {
  for (;;) {
    try {
      const { items, metadata } = await client.call<{ items: T[]; metadata: { resourceVersion: string } }>("GET", path);
      const objects = new Map(items.map((item) => [item.metadata.uid, item]));
      seen(objects);
      const query = `watch=1&resourceVersion=${metadata.resourceVersion}`;
      await client.stream(`${path}?${query}`, (line) => {
        const { type, object } = JSON.parse(line) as { type: string; object: T };
        if (type === "ERROR") {
          throw new Error(`the watch of ${path} ended`);
        }
        if (type === "DELETED") {
          objects.delete(object.metadata.uid);
        } else {
          objects.set(object.metadata.uid, object);
        }
        seen(objects);
      });
    } catch (error) {
      report(error);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
