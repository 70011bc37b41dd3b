import * as pulumi from "@pulumi/pulumi";
import { clusterProvider } from "./components/cluster/clusterProvider";
import { requireGatewayApi, tcpRouteVersion } from "./components/cluster/gatewayApiCrds";
import { leanRegistrations } from "./components/cluster/leanRegistrations";
import { NewObjects } from "./components/cluster/newObjects";
import { requireServicePorts } from "./components/cluster/servicePorts";
import { requireExistingGateway } from "./components/entry/existingGateway";
import { stackGateway } from "./components/stackGateway";
import { stackConfig } from "./config";

leanRegistrations();

const { kubernetes, fieldUses, namedPorts, ...stack } = stackConfig();

export = async () => {
  const cluster = clusterProvider("cluster", kubernetes);

  const gatewayApi = await requireGatewayApi("gateway-api", fieldUses, kubernetes, { provider: cluster });
  const targets = await requireServicePorts({ ...stack, namedPorts, kubernetes }, { provider: cluster });
  const config = { ...stack, ...targets };
  await requireExistingGateway("existing-gateway", { ...config, kubernetes }, { provider: cluster });

  const newObjects = new NewObjects();
  const gateway = stackGateway({ ...config, tcpRouteVersion: tcpRouteVersion(gatewayApi) }, pulumi.getStack(), {
    providers: { kubernetes: cluster },
    transformations: [newObjects.transformation],
  });
  if (kubernetes.renderDirectory === undefined) {
    newObjects.check();
  }

  const { endpoints, dnsRecords, certificates, readme } = gateway;
  return { endpoints, dnsRecords, certificates, readme };
};
