import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime";
import { stackGateway } from "../components/stackGateway";
import type { StackConfig } from "../config";
import { PROJECT } from "../config/values/project";

/** A resource, as the program registers it with Pulumi. */
export interface EmittedResource {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: Record<string, unknown>;
  readonly protect: boolean;
}

/** Runs the program against mocks, without a cluster, and lists the resources that a preview would show. */
export async function emittedResources(config: StackConfig, stack: string): Promise<EmittedResource[]> {
  const resources: EmittedResource[] = [];
  // Mocks see neither parents nor options.
  const types = new Map<pulumi.Resource, string>();
  const seen = new Map<string, Pick<EmittedResource, "urn" | "protect">>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }: MockResourceArgs) => {
        const props = inputs as Record<string, unknown>;
        const known = seen.get(`${type} ${name}`);
        if (known !== undefined) {
          resources.push({ type, name, props, ...known });
        }
        return { id: `${name}-id`, state: props };
      },
      call: () => ({}),
    },
    PROJECT,
    stack,
    // As in a preview, what only an update knows, such as a key, stays unknown.
    true,
  );
  const look: pulumi.ResourceTransformation = ({ resource, type, name, opts }) => {
    const parent = opts.parent && types.get(opts.parent);
    const qualified = parent === undefined ? type : `${parent}$${type}`;
    types.set(resource, qualified);
    const urn = `urn:pulumi:${stack}::${PROJECT}::${qualified}::${name}`;
    seen.set(`${type} ${name}`, { urn, protect: opts.protect === true });
    return undefined;
  };
  // A review shows names that only a cluster could look up: nothing of this is sent to one.
  stackGateway(config as StackConfig<number>, stack, { transformations: [look] });
  await pulumi.runtime.disconnect();
  return resources;
}
