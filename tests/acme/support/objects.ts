import { list } from "../../../lab/manifests";
import { eventually } from "../../../lab/processes";
import { theLab } from "../../e2e/support/lab";
import { DIRECTORY, NAMESERVER, PROFILES, UPDATE_KEY, type Acme } from "./acme";

type Manifest = Record<string, unknown>;
type Profile = keyof typeof PROFILES;

/** Writes objects as a user would. */
export async function apply(...objects: readonly Manifest[]): Promise<void> {
  const args = ["apply", "--server-side", "--force-conflicts", "--field-manager=user", "-f", "-"];
  await theLab().kubectl(args, list(objects));
}

/** An ACME issuer with one solver for everything. https://cert-manager.io/docs/configuration/acme/ */
function issuer(acme: Acme, name: string, namespace: string, solver: object, profile: Profile): Manifest {
  return {
    apiVersion: "cert-manager.io/v1",
    kind: "Issuer",
    metadata: { name, namespace },
    spec: {
      acme: {
        server: DIRECTORY,
        caBundle: Buffer.from(acme.endpointAuthority).toString("base64"),
        privateKeySecretRef: { name: `${name}-account` },
        profile,
        solvers: [solver],
      },
    },
  };
}

/** An issuer that proves its right to a domain by TXT records, and the key that it changes them with. */
export function dnsIssuer(acme: Acme, name: string, namespace: string, key = UPDATE_KEY): Manifest[] {
  const secret = { name: `${name}-update-key`, key: "secret" };
  const rfc2136 = {
    nameserver: NAMESERVER,
    tsigKeyName: key.name,
    tsigAlgorithm: "HMACSHA256",
    tsigSecretSecretRef: secret,
  };
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: secret.name, namespace },
      stringData: { [secret.key]: key.secret },
    },
    issuer(acme, name, namespace, { dns01: { rfc2136 } }, "default"),
  ];
}

/** An issuer that proves its right to a host through the listener `http` of a Gateway. */
export function httpIssuer(acme: Acme, name: string, gateway: Named, profile: Profile = "default"): Manifest {
  const parent = { kind: "Gateway", ...gateway, sectionName: "http" };
  return issuer(acme, name, gateway.namespace, { http01: { gatewayHTTPRoute: { parentRefs: [parent] } } }, profile);
}

export interface Named {
  readonly name: string;
  readonly namespace: string;
}

export interface Wanted extends Named {
  readonly issuer: string;
  readonly secretName: string;
  readonly dnsNames: readonly string[];
}

export function certificate({ name, namespace, issuer, secretName, dnsNames }: Wanted): Manifest {
  return {
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata: { name, namespace },
    spec: { secretName, dnsNames, issuerRef: { kind: "Issuer", name: issuer } },
  };
}

interface Condition {
  type: string;
  status: string;
}

interface Status {
  revision?: number;
  notBefore?: string;
  notAfter?: string;
  conditions?: Condition[];
}

async function statusOf({ name, namespace }: Named): Promise<Status> {
  const said = await theLab().kubectl(["get", "certificate", name, "-n", namespace, "-o", "json"]);
  return (JSON.parse(said) as { status?: Status }).status ?? {};
}

/** Waits until a certificate has been issued this many times. */
export async function issued(one: Named, revision: number, timeoutMs: number): Promise<Status> {
  return eventually(`revision ${revision} of ${one.name}`, timeoutMs, async () => {
    const status = await statusOf(one);
    const conditions = status.conditions ?? [];
    const ready = conditions.some(({ type, status }) => type === "Ready" && status === "True");
    if (!ready || (status.revision ?? 0) < revision || conditions.some(({ type }) => type === "Issuing")) {
      throw new Error(JSON.stringify(status));
    }
    return status;
  });
}

/** Has a certificate issued again, as `cmctl renew` does. */
export async function renew({ name, namespace }: Named): Promise<void> {
  const now = new Date().toISOString().replace(/\.\d+/, "");
  const condition = {
    type: "Issuing",
    status: "True",
    reason: "ManuallyTriggered",
    message: "Certificate re-issuance manually triggered",
    lastTransitionTime: now,
  };
  const object = {
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata: { name, namespace },
    status: { conditions: [condition] },
  };
  const args = [
    "apply",
    "--server-side",
    "--force-conflicts",
    "--field-manager=cmctl",
    "--subresource=status",
    "-f",
    "-",
  ];
  await theLab().kubectl(args, JSON.stringify(object));
}
