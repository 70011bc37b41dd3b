import { createHash, X509Certificate } from "node:crypto";
import { changedPaths, secret, serve, type Plugin, type Properties } from "../server";
import { makeKey, requestCertificate, selfSign, signRequest } from "./certificates";

/** Stand-in for @pulumi/tls 5.6.1, lab only: the four resources that the program uses. */
const HOUR_MS = 3_600_000;

/** Outputs that the official provider always marks as secrets. */
const SECRETS = ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh", "caPrivateKeyPem"];

const DEFAULTS: Readonly<Record<string, Properties>> = {
  PrivateKey: { ecdsaCurve: "P224", rsaBits: 2048 },
  SelfSignedCert: { earlyRenewalHours: 0, isCaCertificate: false },
  CertRequest: {},
  LocallySignedCert: { earlyRenewalHours: 0, isCaCertificate: false },
};

function kindOf(type: string): string {
  const kind = type.split(":").at(-1) ?? "";
  if (DEFAULTS[kind] === undefined) {
    throw new Error(`the lab's stand-in for tls does not support ${type}`);
  }
  return kind;
}

function markSecrets(outputs: Properties): Properties {
  return Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [key, SECRETS.includes(key) ? secret(value) : value]),
  );
}

/** Whether the early renewal period has begun, or the certificate has expired: the official provider then plans a new one. */
function readyForRenewal(inputs: Properties, validityEndTime: string): boolean {
  return Date.now() >= Date.parse(validityEndTime) - Number(inputs.earlyRenewalHours ?? 0) * HOUR_MS;
}

async function make(kind: string, inputs: Properties): Promise<{ id: string; outputs: Properties }> {
  if (kind === "PrivateKey") {
    const key = makeKey(inputs);
    return { id: createHash("sha1").update(key.publicKeyPem).digest("hex"), outputs: key };
  }
  if (kind === "CertRequest") {
    const certRequestPem = await requestCertificate(inputs);
    return { id: createHash("sha1").update(certRequestPem).digest("hex"), outputs: { certRequestPem } };
  }
  const issued = kind === "SelfSignedCert" ? await selfSign(inputs) : await signRequest(inputs);
  return {
    id: BigInt(`0x${new X509Certificate(issued.certPem).serialNumber}`).toString(),
    outputs: { ...issued, readyForRenewal: false },
  };
}

/** Inputs that only affect planning, not the certificate itself. */
const IN_PLACE = ["earlyRenewalHours"];

const plugin: Plugin = {
  version: "5.6.1",
  supportsPreview: false,
  check: ({ type }, _olds, news) => ({ ...DEFAULTS[kindOf(type)], ...news }),
  diff: ({ type }, olds, oldInputs, news) => {
    const changes = Object.fromEntries(
      changedPaths(oldInputs, news).map((path) => [path, { replace: !IN_PLACE.includes(path) }]),
    );
    const { validityEndTime } = olds;
    const expires = kindOf(type).endsWith("Cert") && typeof validityEndTime === "string";
    return {
      changes:
        expires && readyForRenewal(news, validityEndTime)
          ? { ...changes, readyForRenewal: { replace: true } }
          : changes,
    };
  },
  create: async ({ type }, inputs) => {
    const { id, outputs } = await make(kindOf(type), inputs);
    return { id, outputs: markSecrets({ ...inputs, ...outputs }) };
  },
  update: (_resource, _id, olds, news) => Promise.resolve(markSecrets({ ...olds, ...news })),
  read: (_resource, _id, outputs, inputs) => Promise.resolve({ inputs, outputs: markSecrets(outputs) }),
  delete: () => Promise.resolve(),
};

serve(plugin);
