import type { StackConfig } from "../config";
import type { Route } from "./client";

/** What is looked at, and what is known of it. */
export interface Target {
  readonly stack: string;
  readonly config: StackConfig;
  /** The outputs of the stack, where they could be read. */
  readonly outputs?: StackOutputs;
  /** Certificates in PEM that clients trust. Default: those of the system. */
  readonly trust?: string;
  readonly route: Route;
}

/** The outputs of a stack; none of them is secret. */
export interface StackOutputs {
  readonly endpoints: Readonly<Record<string, string>>;
  readonly dnsRecords: readonly string[];
  readonly certificate: {
    readonly type: string;
    readonly secret: string;
    readonly dnsNames: readonly string[];
    readonly fingerprintSha256?: string;
    readonly notAfter?: string;
    readonly renewalTime?: string;
    readonly warning?: string;
    readonly trustAnchorPem?: string;
  };
  readonly readme: string;
}

/** Address to which the stack's records lead; undefined where it has none yet. */
export function recordedAddress({ dnsRecords }: StackOutputs): string | undefined {
  return dnsRecords[0]?.split(" ").at(-1)?.replace(/\.$/, "");
}
