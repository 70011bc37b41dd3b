import { istioPlatform } from "./istioPlatform";
import { platformConfig } from "./platformConfig";

const platform = istioPlatform(platformConfig());

/** Read by the gateway's stack if its `kubernetes.istioStack` names this one. */
export const { gatewayApi, istioVersion } = platform;
