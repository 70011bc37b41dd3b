/** What an implementation reaches in a conformance profile. */
export interface Profile {
  /** Number of tests that pass, of those that need core features only, and of the others. */
  readonly core: number;
  readonly extended: number;
  /** Extended features that the implementation supports. */
  readonly features: readonly string[];
}

const GATEWAY_FEATURES = [
  "GatewayAddressEmpty",
  "GatewayHTTPListenerIsolation",
  "GatewayInfrastructurePropagation",
  "GatewayPort8080",
  "GatewayStaticAddresses",
];

/**
 * Istio's own report for the Gateway API 1.5.1, made with Istio 1.30.1; nothing in it failed or was skipped. Without MESH-HTTP:
 * https://github.com/kubernetes-sigs/gateway-api/blob/main/conformance/reports/v1.5/istio-istio/1.30.0-default-report.yaml
 */
export const PUBLISHED: Readonly<Record<string, Profile>> = {
  "GATEWAY-HTTP": {
    core: 33,
    extended: 38,
    features: [
      "BackendTLSPolicy",
      "BackendTLSPolicySANValidation",
      ...GATEWAY_FEATURES,
      "HTTPRoute303RedirectStatusCode",
      "HTTPRoute307RedirectStatusCode",
      "HTTPRoute308RedirectStatusCode",
      "HTTPRouteBackendProtocolH2C",
      "HTTPRouteBackendProtocolWebSocket",
      "HTTPRouteBackendRequestHeaderModification",
      "HTTPRouteBackendTimeout",
      "HTTPRouteCORS",
      "HTTPRouteDestinationPortMatching",
      "HTTPRouteHostRewrite",
      "HTTPRouteMethodMatching",
      "HTTPRouteNamedRouteRule",
      "HTTPRouteParentRefPort",
      "HTTPRoutePathRedirect",
      "HTTPRoutePathRewrite",
      "HTTPRoutePortRedirect",
      "HTTPRouteQueryParamMatching",
      "HTTPRouteRequestMirror",
      "HTTPRouteRequestMultipleMirrors",
      "HTTPRouteRequestPercentageMirror",
      "HTTPRouteRequestTimeout",
      "HTTPRouteResponseHeaderModification",
      "HTTPRouteSchemeRedirect",
    ],
  },
  "GATEWAY-GRPC": { core: 13, extended: 3, features: GATEWAY_FEATURES },
  "GATEWAY-TLS": {
    core: 18,
    extended: 7,
    features: [...GATEWAY_FEATURES, "TLSRouteModeMixed", "TLSRouteModeTerminate"],
  },
};

/** Features that Istio supports and no profile counts; the report shows their tests among the provisional ones. */
export const OTHER_FEATURES: readonly string[] = ["GRPCRouteNamedRouteRule"];

/** Tests of the same report that the suite calls provisional, without those of the mesh. */
export const PROVISIONAL: readonly string[] = [
  "GRPCRouteNamedRule",
  "GatewayInfrastructure",
  "GatewayOptionalAddressValue",
  "HTTPRoute303Redirect",
  "HTTPRoute307Redirect",
  "HTTPRoute308Redirect",
  "HTTPRouteNamedRule",
  "HTTPRouteRequestPercentageMirror",
  "TLSRouteMixedTerminationSameNamespace",
  "TLSRouteTerminateSimpleSameNamespace",
];

export type Level = "core" | "extended";

/** A test that has another result in the lab. */
export interface Difference {
  readonly result: "failed" | "skipped";
  /** Where the report counts it. */
  readonly profiles: readonly string[];
  readonly level: Level;
  /** Why the lab, and not Istio, is what differs. */
  readonly reason: string;
}

/** Every test whose result in the lab is not the published one. A difference that is not here, or no longer there, fails the suite. */
export const DIFFERENCES: Readonly<Record<string, Difference>> = {};
