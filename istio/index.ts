import { istioPlatform } from "./istioPlatform";
import { platformConfig } from "./platformConfig";

const platform = istioPlatform(platformConfig());

/** What the gateway's stack reads, where its `kubernetes.istioStack` names this one. */
export const { gatewayApi, istioVersion } = platform;
