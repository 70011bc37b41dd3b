/** Suffixes of Kubernetes quantities, in bytes. */
const BYTES = { k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 } as const;

/** Sizes in the config: a whole number of bytes, or of one of these multiples. */
export const QUANTITY = /^(0|[1-9][0-9]{0,14})(k|M|G|Ki|Mi|Gi)?$/;

/**
 * A size such as `64Ki`, as a string or a plain number of bytes.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export type Quantity = string | number;

/** A size in bytes. */
export function bytes(quantity: Quantity): number {
  const [, count, unit] = QUANTITY.exec(String(quantity)) ?? [];
  return Number(count) * (unit === undefined ? 1 : BYTES[unit as keyof typeof BYTES]);
}

/** Amounts of CPU: whole cores, thousandths of one, or a decimal fraction. */
export const CPU = /^([1-9]\d*m?|\d+\.\d{1,3})$/;

/** An amount of CPU in cores. */
export function cores(amount: string): number {
  return amount.endsWith("m") ? Number(amount.slice(0, -1)) / 1000 : Number(amount);
}
