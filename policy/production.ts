import type { Resource, Setting } from "./policy";

/** The setting that tells a policy which stacks are production. */
export interface ProductionConfig {
  production: string;
}

/** The word prod in a stack's name: prod, prod-eu, shop.production. */
export const PRODUCTION_SETTINGS: Readonly<Record<keyof ProductionConfig, Setting>> = {
  production: {
    type: "string",
    description: "Regular expression for the names of production stacks.",
    default: "(^|[-_.])prod(uction)?([-_.]|$)",
  },
};

/** Whether a resource belongs to a production stack. */
export function isProduction({ urn }: Pick<Resource, "urn">, { production }: ProductionConfig): boolean {
  return new RegExp(production).test(/^urn:pulumi:(.+?)::/.exec(urn)?.[1] ?? "");
}
