import { generateKeyPairSync } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime";
import { selfSignedPem } from "./certificates";

/** A resource as the program registered it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

/**
 * Runs a program against mocks and returns what it registered. Mocks prove the wiring, not what a cluster makes of it.
 * @param state What resources of a type have besides their inputs.
 */
export async function register(
  program: () => unknown,
  state: Record<string, Record<string, unknown>> = {},
): Promise<Registered[]> {
  const registered: Registered[] = [];
  const certPem = await selfSignedPem("*.example.test");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const outputs: Record<string, Record<string, unknown>> = {
    "tls:index/privateKey:PrivateKey": { privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }) },
    "tls:index/selfSignedCert:SelfSignedCert": { certPem, validityEndTime: "2030-01-01T00:00:00Z" },
    "tls:index/certRequest:CertRequest": { certRequestPem: "REQUEST" },
    "tls:index/locallySignedCert:LocallySignedCert": { certPem, validityEndTime: "2030-01-01T00:00:00Z" },
    ...state,
  };
  await pulumi.runtime.setMocks(
    {
      newResource: (args: MockResourceArgs) => {
        registered.push({ type: args.type, name: args.name, inputs: args.inputs as Record<string, unknown> });
        return { id: `${args.name}-id`, state: { ...(args.inputs as Record<string, unknown>), ...outputs[args.type] } };
      },
      call: () => ({}),
    },
    "istio-gateway",
    "test",
    false,
  );
  await program();
  // Registration is asynchronous: an assertion before its end would prove nothing.
  await pulumi.runtime.disconnect();
  return registered;
}

/** The only registered resource of a type, and with a name where one is given. */
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

/** The value of an output. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}
