import { externalKey, serviceEntries } from "../../components/backends/externalHosts";
import { type GatewayRef, RATE_LIMIT_PORT, rateLimitServiceName, sharedName } from "../../components/shared/naming";
import { type Port, serviceTargets, targetName, targetsOf } from "../../config";
import { IN_PLACE_OF_ALIAS, isAlias, type KnownService } from "../../config/resolve/namedPorts";
import { row, type Row } from "../row";
import type { Target } from "../target";
import { getObject, listObjects } from "./kubectl";

interface KubernetesService {
  spec: KnownService & { ports?: { name?: string; port: number }[] };
}

interface EndpointSlice {
  endpoints?: { conditions?: { ready?: boolean } }[] | null;
}

/** Every Service behind the gateway, including the rate limit service's, exists and has the port and a ready endpoint. */
export async function checkBackends({ config }: Target): Promise<Row[]> {
  const limiter = config.rateLimitService && {
    namespace: config.rateLimitService.namespace,
    service: rateLimitServiceName(config.gateway, config.rateLimitService.namespace),
    port: RATE_LIMIT_PORT,
  };
  const all = [
    ...config.services.flatMap(targetsOf),
    ...config.streams.flatMap((stream) => stream.backends),
    ...(limiter === undefined ? [] : [limiter]),
  ];
  const backends = new Map(serviceTargets(all).map((backend) => [targetName(backend), backend] as const));
  const rows = [...backends].map(async ([key, { namespace, service, port }]) => {
    const flaw = await flawOf(namespace, service, port);
    return row("backends", `Service ${key} has a ready endpoint`, flaw === undefined, flaw?.seen ?? "yes", {
      cause: flaw?.cause,
      more: `kubectl get service,endpointslices -n ${namespace} -l kubernetes.io/service-name=${service}`,
    });
  });
  return Promise.all([...rows, ...serviceEntries(config).map((entry) => entryRow(entry, config.gateway))]);
}

/** Whether Istio knows a host outside the cluster. Whether the host answers, only a request shows. */
async function entryRow(
  { namespace, spec: { hosts } }: ReturnType<typeof serviceEntries>[number],
  gateway: GatewayRef,
): Promise<Row> {
  const [host = ""] = hosts;
  const name = sharedName(gateway, externalKey(host));
  const found = await getObject<object>("serviceentry", name, namespace);
  return row("backends", `Istio knows ${host} in ${namespace}`, found !== undefined, found ? "yes" : "missing", {
    cause: `there is no ServiceEntry ${name}, so requests get 500: pulumi up makes it again`,
    more: `kubectl get serviceentry -n ${namespace}`,
  });
}

async function flawOf(
  namespace: string,
  service: string,
  port: Port,
): Promise<{ seen: string; cause: string } | undefined> {
  const object = await getObject<KubernetesService>("service", service, namespace);
  if (object === undefined) {
    return { seen: "missing", cause: `there is no Service ${service} in ${namespace}` };
  }
  if (isAlias(object.spec)) {
    return { seen: "an ExternalName", cause: `expected ${IN_PLACE_OF_ALIAS}` };
  }
  const ports = (object.spec.ports ?? []).map((one) => (typeof port === "number" ? one.port : (one.name ?? one.port)));
  if (!ports.includes(port)) {
    return {
      seen: `ports ${ports.join(", ")}`,
      cause: `the Service has no port ${port}: fix the port in the stack config`,
    };
  }
  const slices = await listObjects<EndpointSlice>("endpointslices", namespace, `kubernetes.io/service-name=${service}`);
  const ready = slices
    .flatMap(({ endpoints }) => endpoints ?? [])
    .some(({ conditions }) => conditions?.ready !== false);
  return ready ? undefined : { seen: "no ready endpoint", cause: "no Pod behind the Service is ready" };
}
