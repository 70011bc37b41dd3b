/** What is written behind the number of a Kubernetes quantity, and how many bytes that is. */
const BYTES = { k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 } as const;

/** The grammar of a size in the config: a whole number of bytes, or of one of these multiples. */
export const QUANTITY = /^(0|[1-9][0-9]{0,14})(k|M|G|Ki|Mi|Gi)?$/;

/** A size such as `64Ki`, as a text or as a plain number of bytes. https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
export type Quantity = string | number;

/** How many bytes a size is. */
export function bytes(quantity: Quantity): number {
  const [, count, unit] = QUANTITY.exec(String(quantity)) ?? [];
  return Number(count) * (unit === undefined ? 1 : BYTES[unit as keyof typeof BYTES]);
}
