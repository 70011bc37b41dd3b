import * as pulumi from "@pulumi/pulumi";
import { runError } from "../../config/load/runError";

/** What all of them have. The API server gives each a uid, even in a dry run. */
interface ClusterObject {
  readonly id: pulumi.Output<string>;
  readonly kind: pulumi.Output<string>;
  readonly metadata: pulumi.Output<{ readonly name: string; readonly namespace: string; readonly uid?: string }>;
}

/** Their content, a key or a password, is made in the update: a preview cannot try them. */
const UNTRIED = "kubernetes:core/v1:Secret";

/**
 * The objects that a preview would create. The Kubernetes provider tries each on the API server, but keeps quiet about those that
 * it refuses; an update would create the others and then fail.
 */
export class NewObjects {
  private readonly objects: ClusterObject[] = [];

  /** For the component whose objects are looked at. */
  readonly transformation: pulumi.ResourceTransformation = ({ resource, type }) => {
    if (type.startsWith("kubernetes:") && type !== UNTRIED) {
      this.objects.push(resource as pulumi.Resource & ClusterObject);
    }
    return undefined;
  };

  /** Ends a preview with one error that lists the new objects that the API server refused. Call it after the component. */
  check(): void {
    if (!pulumi.runtime.isDryRun()) {
      return;
    }
    const known = new Set<number>();
    // Not called for a new object, whose id is unknown.
    this.objects.forEach(({ id }, index) => id.apply(() => known.add(index)));
    pulumi.all(this.objects.map(({ kind, metadata }) => pulumi.all([kind, metadata]))).apply((objects) => {
      const refused = objects.filter(([, { uid }], index) => uid === undefined && !known.has(index));
      if (refused.length > 0) {
        throw runError(messageOf(refused.map(([kind, { namespace, name }]) => `${kind} ${namespace}/${name}`).sort()));
      }
    });
  }
}

function messageOf(objects: readonly string[]): string {
  return [
    `${objects.length} new ${objects.length === 1 ? "object" : "objects"} cannot be created, nothing was changed:`,
    ...objects.map((object) => `  ${object}`),
    "What exists already is taken over by one update with istio-gateway:adopt set to true. Not if it is another gateway's: it would lose it.",
    "If it does not exist: its namespace is missing, or you may not create it.",
  ].join("\n");
}
