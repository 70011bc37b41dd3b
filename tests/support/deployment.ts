import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime";
import { makeKey, requestCertificate, selfSign, signRequest } from "../../lab/plugins/tls/certificates";

/** A resource as the program registered it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

/**
 * Runs a program against mocks and returns what it registered. Mocks prove the wiring, not how a cluster handles it.
 * @param state Additional state of resources, by type, besides their inputs.
 */
export async function register(
  program: () => unknown,
  state: Record<string, Record<string, unknown>> = {},
): Promise<Registered[]> {
  const registered: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: async (args: MockResourceArgs) => {
        const inputs = args.inputs as Record<string, unknown>;
        registered.push({ type: args.type, name: args.name, inputs });
        return {
          id: `${args.name}-id`,
          state: { ...inputs, ...(await madeBy(args.type, revealed(inputs))), ...state[args.type] },
        };
      },
      call: () => ({}),
    },
    "istio-gateway",
    "test",
    false,
  );
  await program();
  // Registration is asynchronous: assertions before it has finished would prove nothing.
  await pulumi.runtime.disconnect();
  return registered;
}

/** Real keys and certificates, because the program parses them; every key is ECDSA, which is fast to generate. */
async function madeBy(type: string, inputs: Record<string, unknown>): Promise<object> {
  // As the official provider says it. It is not the certificate's own, which has no fractions of a second.
  const end = { validityEndTime: "2030-01-01T00:00:00.123456789Z" };
  switch (type) {
    case "tls:index/privateKey:PrivateKey":
      return makeKey({ algorithm: "ECDSA", ecdsaCurve: "P256" });
    case "tls:index/selfSignedCert:SelfSignedCert":
      return { ...(await selfSign(inputs)), ...end };
    case "tls:index/certRequest:CertRequest":
      return { certRequestPem: await requestCertificate(inputs) };
    case "tls:index/locallySignedCert:LocallySignedCert":
      return { ...(await signRequest(inputs)), ...end };
    default:
      return {};
  }
}

/** Inputs without Pulumi's wrappers for secrets. */
function revealed(inputs: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(inputs).map(([key, value]) => {
    const isSecret = typeof value === "object" && value !== null && "value" in value;
    return [key, isSecret ? value.value : value] as const;
  });
  return Object.fromEntries(entries);
}

/** The only registered resource of a type, and with a name if one is given. */
export function only(resources: readonly Registered[], type: string, name?: string): Registered {
  const found = resources.filter(
    (resource) => resource.type === type && (name === undefined || resource.name === name),
  );
  const [first] = found;
  if (first === undefined || found.length > 1) {
    const all = resources.map((resource) => `${resource.type} ${resource.name}`).join("\n");
    throw new Error(`${found.length} resources of ${type} ${name ?? ""} in:\n${all}`);
  }
  return first;
}

/** An object's metadata, without what every object has: tests/components/fieldManager.test.ts checks that. */
export function metadataOf({ inputs }: Registered): Record<string, unknown> {
  const { annotations, ...metadata } = inputs.metadata as { annotations?: Record<string, string> };
  const { "pulumi.com/patchFieldManager": _, ...others } = annotations ?? {};
  return Object.keys(others).length === 0 ? metadata : { ...metadata, annotations: others };
}

/** The value of an output. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}
