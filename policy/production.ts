import type { Resource, Setting } from "./policy";

/** What a policy for production alone is told of it. */
export interface ProductionConfig {
  production: string;
}

/** The word prod in a stack's name: prod, prod-eu, shop.production. */
export const PRODUCTION_SETTINGS: Readonly<Record<keyof ProductionConfig, Setting>> = {
  production: {
    type: "string",
    description: "Regular expression of the names of stacks that are production.",
    default: "(^|[-_.])prod(uction)?([-_.]|$)",
  },
};

/** Whether a resource belongs to a stack of production. */
export function isProduction({ urn }: Pick<Resource, "urn">, { production }: ProductionConfig): boolean {
  return new RegExp(production).test(/^urn:pulumi:(.+?)::/.exec(urn)?.[1] ?? "");
}
