import type { ParsedCertificate } from "../schema/certificate/certificate";
import type { Domain } from "./domains";

/** A certificate that is made, asked for or referred to, and the key that configures it. */
export interface GivenCertificate {
  readonly at: string;
  readonly certificate: ParsedCertificate;
}

/** The stack's certificate and those of its domains; not those of services, which are never made here. */
export function givenCertificates({
  certificate,
  domainList = [],
}: {
  readonly certificate?: ParsedCertificate;
  readonly domainList?: readonly Domain[];
}): GivenCertificate[] {
  return [
    ...(certificate === undefined ? [] : [{ at: "certificate", certificate }]),
    ...domainList.flatMap(({ at, certificate: own }) =>
      own === undefined ? [] : [{ at: `${at}.certificate`, certificate: own }],
    ),
  ];
}
