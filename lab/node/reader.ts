import type { Pod, Source } from "./objects";

/** How the node reads what a Pod refers to. */
export interface Reader {
  /** Contents of a ConfigMap or a Secret; undefined if there is none. */
  data(kind: "configmaps" | "secrets", namespace: string, name: string): Promise<Record<string, Buffer> | undefined>;
  /** A token of the Pod's ServiceAccount, bound to the Pod. */
  token(pod: Pod, request: NonNullable<Source["serviceAccountToken"]>): Promise<string>;
}
