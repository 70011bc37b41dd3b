import * as pulumi from "@pulumi/pulumi";
import * as runtimeResource from "@pulumi/pulumi/runtime/resource";
import { stackGateway } from "../../../components/stackGateway";
import type { StackConfig } from "../../../config";
import type { Registered } from "../../support/deployment";

/** What the program registers, with a unique key. */
export interface Emitted extends Registered {
  readonly urn: string;
}

/** The two functions through which every resource reaches Pulumi's engine. */
interface Engine {
  registerResource: typeof runtimeResource.registerResource;
  registerResourceOutputs: typeof runtimeResource.registerResourceOutputs;
}

const engine = runtimeResource as Engine;

/**
 * The program with a list in place of Pulumi's engine: mocks send every resource through gRPC, which takes a hundred times as
 * long. As in a preview, keys and certificates are unknown.
 */
export class Emission {
  private resources: { urn: string; type: string; name: string; inputs: pulumi.Inputs }[] = [];
  private readonly urns = new Map<pulumi.Resource, string>();

  static async start(): Promise<Emission> {
    const nothing = { newResource: () => ({ id: "", state: {} }), call: () => ({}) };
    await pulumi.runtime.setMocks(nothing, "istio-gateway", "fuzz", true);
    return new Emission();
  }

  private readonly real = { ...engine };

  private constructor() {
    engine.registerResourceOutputs = () => undefined;
    engine.registerResource = (resource, parent, type, name, custom, _remote, _newDependency, props) => {
      const types = parent === undefined ? "" : `${(this.urns.get(parent) ?? "").split("::")[0] ?? ""}$`;
      const urn = `${types}${type}::${name}`;
      this.urns.set(resource, urn);
      this.resources.push({ urn, type, name, inputs: props });
      const outputs = resource as unknown as Record<string, unknown>;
      outputs.urn = pulumi.output(urn);
      if (custom) {
        outputs.id = pulumi.output(name);
        const isMade = type.startsWith("tls:") || type.startsWith("random:");
        for (const [key, value] of Object.entries(props)) {
          // Created on demand: most are never read.
          const get = () => pulumi.output(value === undefined && isMade ? pulumi.unknown : value);
          Object.defineProperty(resource, key, { get });
        }
      }
    };
  }

  /** Gives Pulumi its engine back, for later tests. */
  end(): void {
    engine.registerResource = this.real.registerResource;
    engine.registerResourceOutputs = this.real.registerResourceOutputs;
  }

  /** Everything that a config creates. */
  async of(config: StackConfig<number>): Promise<Emitted[]> {
    this.resources = [];
    this.urns.clear();
    // Pulumi records where in the program each resource is created, which nobody reads here.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      stackGateway(config, "fuzz", {});
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    return Promise.all(
      this.resources.map(async ({ inputs, ...rest }) => ({
        ...rest,
        inputs: (await resolved(inputs)) as Record<string, unknown>,
      })),
    );
  }
}

/** A value without Outputs, as it would be sent, with unknowns marked. */
async function resolved(value: unknown): Promise<unknown> {
  if (pulumi.Output.isInstance<unknown>(value)) {
    const output = value as unknown as { isKnown: Promise<boolean>; promise: () => Promise<unknown> };
    return (await output.isKnown) ? resolved(await output.promise()) : "[unknown]";
  }
  if (Array.isArray(value)) {
    return Promise.all(value.map(resolved));
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(
    await Promise.all(entries.map(async ([key, entry]) => [key, await resolved(entry)] as const)),
  );
}
