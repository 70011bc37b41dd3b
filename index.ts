import { clusterProvider } from "./components/clusterProvider";
import { UnifiedGateway } from "./components/unifiedGateway";
import { stackConfig } from "./config";

const { kubernetes, ...config } = stackConfig();

const cluster = clusterProvider("cluster", kubernetes);

const gateway = new UnifiedGateway(config.gateway.name, config, { providers: { kubernetes: cluster } });

export const endpoints = gateway.endpoints;
export const dnsRecords = gateway.dnsRecords;
export const certificate = gateway.certificate;
export const readme = gateway.readme;
