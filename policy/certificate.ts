import type { ResourcePolicy } from "./policy";

const MIN_RSA_BITS = 2048;

interface KeyProps {
  algorithm?: string;
  rsaBits?: number;
}

export const rsaKeySize: ResourcePolicy = {
  name: "rsa-key-size",
  description: `RSA keys have at least ${MIN_RSA_BITS} bits.`,
  level: "mandatory",
  check: ({ type, name, props }) => {
    const { algorithm, rsaBits = MIN_RSA_BITS } = props as KeyProps;
    return type === "tls:index/privateKey:PrivateKey" && algorithm === "RSA" && rsaBits < MIN_RSA_BITS
      ? [`${name} has ${rsaBits} bits; at least ${MIN_RSA_BITS} are required.`]
      : [];
  },
};

interface Lifetime {
  maxDays: number;
}

const CERTIFICATES: readonly string[] = [
  "tls:index/selfSignedCert:SelfSignedCert",
  "tls:index/locallySignedCert:LocallySignedCert",
];

export const certificateLifetime: ResourcePolicy<Lifetime> = {
  name: "certificate-lifetime",
  description: "Certificates issued here live no longer than clients accept.",
  level: "mandatory",
  settings: {
    maxDays: {
      type: "integer",
      description: "Longest lifetime, in days. Default 398, the most that browsers accept from a public CA.",
      default: 398,
    },
  },
  check: ({ type, name, props }, { maxDays }) => {
    const { validityPeriodHours = 0 } = props as { validityPeriodHours?: number };
    return CERTIFICATES.includes(type) && validityPeriodHours > maxDays * 24
      ? [`${name} is valid for ${Math.ceil(validityPeriodHours / 24)} days; at most ${maxDays} are allowed.`]
      : [];
  },
};
