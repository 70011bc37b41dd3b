import type { DefaultsConfig, IndexedService } from "../schema/service";
import type { ParsedStack } from "../schema/stack";

/** A service as far as it passed its schema. */
export interface CheckedService extends IndexedService {
  /** False if some of its keys are wrong: reading one of them throws, see `partial`. */
  readonly isWhole: boolean;
}

/**
 * What is sound of a stack: the parts that passed their schemas, and of the services whatever did. Rules across parts are checked on
 * these, so that a mistake in one part hides none in another.
 */
export interface CheckedStack extends Partial<Omit<ParsedStack, "services" | "defaults">> {
  /** The schema's own defaults if those given are not sound. */
  readonly defaults: DefaultsConfig;
  readonly services: readonly CheckedService[];
  /** Whether every service is there and whole. */
  readonly hasEveryService: boolean;
  /** Keys that hold a Pulumi secret anywhere inside. */
  readonly secretKeys: ReadonlySet<string>;
}
