import { Service as KubernetesService } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { NamedPort, StackConfig } from "../../config";
import { runError } from "../../config/load/runError";
import { type KnownService, missingPort, portNumber, type Targets, withNumbers } from "../../config/resolve/namedPorts";
import { ConfigError, withService } from "../../config/values/problem";

/**
 * Looks up ports by name before anything is created, in previews too. Each Service is read once; without names, none is.
 * @param stack Any result of `stackConfig()`. With `renderDirectory` no cluster is asked: the files of `kubernetes.services` count.
 * @param opts With the cluster's provider.
 * @returns The services and streams with the number of each port.
 * @throws {pulumi.RunError} that lists the names that Services do not have.
 */
export async function requireServicePorts(
  { services, streams, namedPorts, kubernetes }: Targets & Pick<StackConfig, "namedPorts" | "kubernetes">,
  opts: pulumi.CustomResourceOptions,
): Promise<Targets<number>> {
  if (kubernetes.renderDirectory !== undefined) {
    return withNumbers({ services, streams }, namedPorts);
  }
  const reads = new Map<string, Promise<KnownService>>();
  const read = (port: NamedPort) => {
    const id = `${port.namespace}/${port.service}`;
    const service = reads.get(id) ?? readService(id, port, opts);
    reads.set(id, service);
    return service;
  };
  const looked = await Promise.all(namedPorts.map(async (port) => ({ port, found: await read(port) })));
  const problems = looked
    .filter(({ port, found }) => portNumber(port, found) === undefined)
    .map(({ port, found }) => missingPort(port, found));
  if (problems.length > 0) {
    throw runError(new ConfigError(pulumi.getProject(), problems).message);
  }
  const numbers = looked.map(({ port, found }) => ({ ...port, number: portNumber(port, found) }));
  return withNumbers({ services, streams }, numbers);
}

/** If there is no such Service, Pulumi ends the program, and tells nothing but this name and the Service's. */
function readService(
  id: string,
  { path, owner, port }: NamedPort,
  opts: pulumi.CustomResourceOptions,
): Promise<KnownService> {
  const name = `${withService(path, owner)}: "${port}" needs this Service, a number does not`;
  const { spec } = KubernetesService.get(name, id, opts);
  return new Promise((resolve) => spec.apply(resolve));
}
