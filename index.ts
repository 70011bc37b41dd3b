import { clusterProvider } from "./components/cluster/clusterProvider";
import { requireGatewayApi } from "./components/cluster/gatewayApiCrds";
import { leanRegistrations } from "./components/cluster/leanRegistrations";
import { UnifiedGateway } from "./components/unifiedGateway";
import { stackConfig } from "./config";

leanRegistrations();

const { kubernetes, fieldUses, ...config } = stackConfig();

export = async () => {
  const cluster = clusterProvider("cluster", kubernetes);

  await requireGatewayApi("gateway-api", fieldUses, kubernetes, { provider: cluster });

  const gateway = new UnifiedGateway(config.gateway.name, config, { providers: { kubernetes: cluster } });

  const { endpoints, dnsRecords, certificate, readme } = gateway;
  return { endpoints, dnsRecords, certificate, readme };
};
