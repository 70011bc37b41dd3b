import type { FindService } from "../resolve/namedPorts";
import type { DefaultsConfig, IndexedService } from "../schema/service";
import type { Domain } from "../resolve/domains";
import type { ParsedStack } from "../schema/stack";

/** A service as far as it passed its schema. */
export interface CheckedService extends IndexedService {
  /** False if some of its keys are wrong: reading one of them throws, see `partial`. */
  readonly isWhole: boolean;
}

/**
 * The valid parts of a stack: those that passed their schemas, and whatever passed of the services. Rules across parts are
 * checked on these, so that a mistake in one part does not hide one in another.
 */
export interface CheckedStack extends Partial<Omit<ParsedStack, "services" | "defaults">> {
  /** The schema's defaults if the given ones are invalid. */
  readonly defaults: DefaultsConfig;
  /** The domains of both keys; undefined if one of them is wrong. */
  readonly domainList: readonly Domain[] | undefined;
  /** Names of the limits in rateLimitService.shared; undefined if that key is wrong. */
  readonly sharedLimits: readonly string[] | undefined;
  /** Services of requests. */
  readonly services: readonly CheckedService[];
  /** Services of connections, whose content is not read. */
  readonly streams: readonly CheckedService[];
  /** Whether every service is present and whole. */
  readonly hasEveryService: boolean;
  /** Whether the value at a key path is a Pulumi secret. */
  readonly isSecret: (path: string) => boolean;
  /** Services in the files of kubernetes.services; undefined if one cannot be read. */
  readonly findService: FindService | undefined;
}
