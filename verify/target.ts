import type { StackConfig } from "../config";
import type { Route } from "./client";

/** What is checked, and what is known about it. */
export interface Target {
  readonly stack: string;
  readonly config: StackConfig;
  /** The stack's outputs, if they could be read. */
  readonly outputs?: StackOutputs;
  /** Certificates that clients trust, in PEM. Default: the system's. */
  readonly trust?: string;
  readonly route: Route;
}

/** A stack's outputs; none is secret. */
export interface StackOutputs {
  readonly endpoints: Readonly<Record<string, string>>;
  readonly dnsRecords: readonly string[];
  readonly certificates: readonly {
    readonly type: string;
    /** NAMESPACE/NAME. */
    readonly secret: string;
    readonly dnsNames: readonly string[];
    readonly fingerprintSha256?: string;
    readonly notAfter?: string;
    readonly renewalTime?: string;
    readonly warning?: string;
    readonly trustAnchorPem?: string;
  }[];
  readonly readme: string;
}

/** The CAs and self-signed certificates that clients have to trust, in PEM; undefined if the stack issues none. */
export function trustAnchors({ certificates }: StackOutputs): string | undefined {
  const anchors = certificates.flatMap(({ trustAnchorPem }) => trustAnchorPem ?? []);
  return anchors.length === 0 ? undefined : [...new Set(anchors)].join("");
}

/** Address that the stack's DNS records point to; undefined if it has none yet. */
export function recordedAddress({ dnsRecords }: StackOutputs): string | undefined {
  return dnsRecords[0]?.split(" ").at(-1)?.replace(/\.$/, "");
}
