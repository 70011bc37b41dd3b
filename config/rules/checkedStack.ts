import type { IndexedService } from "../schema/service";
import type { ParsedStack } from "../schema/stack";

import type { DefaultsConfig } from "../schema/service";

/**
 * What is sound of a stack: the parts and the services that passed their schemas. Rules across parts are checked on
 * these, so that a mistake in one part hides none in another.
 */
export interface CheckedStack extends Partial<Omit<ParsedStack, "services" | "defaults">> {
  /** The schema's own defaults where those given are not sound. */
  readonly defaults: DefaultsConfig;
  readonly services: readonly IndexedService[];
  /** Whether no service is missing for its own mistakes. */
  readonly hasEveryService: boolean;
  /** Keys that hold a Pulumi secret anywhere inside. */
  readonly secretKeys: ReadonlySet<string>;
}
