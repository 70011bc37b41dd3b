import { createHash, createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { changedInputs, mapValues, secret, serve, UNKNOWN, type Plugin, type Properties } from "../server";
import { makeKey, requestCertificate, selfSign, signRequest } from "./certificates";

/** Stand-in for @pulumi/tls 5.6.1, lab only: the four resources that the program uses. */
const HOUR_MS = 3_600_000;

/** Inputs and outputs that the official provider always marks as secrets. */
const SECRETS = ["privateKeyPem", "privateKeyPemPkcs8", "caPrivateKeyPem"];

interface Kind {
  /** Outputs for inputs that are not given. */
  readonly defaults: Properties;
  /** Outputs that are not inputs. */
  readonly computed: readonly string[];
}

const CERTIFICATE = ["certPem", "validityStartTime", "validityEndTime"];
const CERTIFICATE_DEFAULTS = { earlyRenewalHours: 0, isCaCertificate: false, setSubjectKeyId: false };

const KINDS: Readonly<Record<string, Kind>> = {
  PrivateKey: {
    defaults: { ecdsaCurve: "P224", rsaBits: 2048 },
    computed: ["privateKeyPem", "privateKeyPemPkcs8", "publicKeyPem"],
  },
  SelfSignedCert: {
    defaults: { ...CERTIFICATE_DEFAULTS, setAuthorityKeyId: false },
    computed: [...CERTIFICATE, "keyAlgorithm"],
  },
  CertRequest: { defaults: {}, computed: ["certRequestPem", "keyAlgorithm"] },
  LocallySignedCert: { defaults: CERTIFICATE_DEFAULTS, computed: [...CERTIFICATE, "caKeyAlgorithm"] },
};

function nameOf(type: string): string {
  return type.split(":").at(-1) ?? "";
}

function kindOf(type: string): Kind {
  const kind = KINDS[nameOf(type)];
  if (kind === undefined) {
    throw new Error(`the lab's stand-in for tls does not support ${type}`);
  }
  return kind;
}

function markSecrets(outputs: Properties): Properties {
  return mapValues(outputs, (value, key) => (SECRETS.includes(key) ? secret(value) : value));
}

/** Whether the early renewal period has begun, or the certificate has expired: the official provider then plans a new one. */
function readyForRenewal(state: Properties): boolean {
  const { validityEndTime, earlyRenewalHours = 0 } = state;
  return (
    typeof validityEndTime === "string" &&
    Date.now() >= Date.parse(validityEndTime) - Number(earlyRenewalHours) * HOUR_MS
  );
}

function algorithmOf(pem: unknown): string {
  return createPrivateKey(String(pem)).asymmetricKeyType === "ec" ? "ECDSA" : "RSA";
}

async function make(name: string, inputs: Properties): Promise<{ id: string; outputs: Properties }> {
  if (name === "PrivateKey") {
    const key = makeKey(inputs);
    const bytes = createPublicKey(key.publicKeyPem).export({ type: "spki", format: "der" });
    return { id: createHash("sha1").update(bytes).digest("hex"), outputs: key };
  }
  if (name === "CertRequest") {
    const certRequestPem = await requestCertificate(inputs);
    const outputs = { certRequestPem, keyAlgorithm: algorithmOf(inputs.privateKeyPem) };
    return { id: createHash("sha1").update(certRequestPem).digest("hex"), outputs };
  }
  const issued = name === "SelfSignedCert" ? await selfSign(inputs) : await signRequest(inputs);
  const algorithm =
    name === "SelfSignedCert"
      ? { keyAlgorithm: algorithmOf(inputs.privateKeyPem) }
      : { caKeyAlgorithm: algorithmOf(inputs.caPrivateKeyPem) };
  return {
    id: BigInt(`0x${new X509Certificate(issued.certPem).serialNumber}`).toString(),
    outputs: { ...issued, ...algorithm, readyForRenewal: false },
  };
}

/** Inputs that only affect planning, not the certificate itself. */
const IN_PLACE = ["earlyRenewalHours"];

const plugin: Plugin = {
  version: "5.6.1",
  supportsPreview: true,
  acceptSecrets: false,
  check: ({ type }, _olds, news) => {
    kindOf(type);
    return markSecrets(news);
  },
  diff: ({ type }, olds, oldInputs, news) => {
    const { defaults } = kindOf(type);
    const changes = changedInputs(
      { ...defaults, ...oldInputs },
      { ...defaults, ...news },
      (path) => !IN_PLACE.includes(path),
    );
    const isDue = readyForRenewal({ ...olds, earlyRenewalHours: news.earlyRenewalHours });
    return {
      changes: isDue ? { ...changes, readyForRenewal: { kind: "update", replace: true, inputDiff: false } } : changes,
    };
  },
  create: async ({ resource, inputs, preview }) => {
    const { defaults, computed } = kindOf(resource.type);
    const known = { ...defaults, ...inputs };
    if (preview) {
      const later = Object.fromEntries(computed.map((key) => [key, UNKNOWN]));
      return { id: "", outputs: markSecrets({ ...known, ...later }) };
    }
    const { id, outputs } = await make(nameOf(resource.type), known);
    return { id, outputs: markSecrets({ ...known, ...outputs, id }) };
  },
  update: ({ resource, olds, news }) =>
    Promise.resolve(markSecrets({ ...olds, ...kindOf(resource.type).defaults, ...news })),
  read: (_resource, _id, outputs, inputs) =>
    Promise.resolve({
      inputs: markSecrets(inputs),
      outputs: markSecrets(readyForRenewal(outputs) ? { ...outputs, readyForRenewal: true } : outputs),
    }),
  delete: () => Promise.resolve(),
};

serve(plugin);
