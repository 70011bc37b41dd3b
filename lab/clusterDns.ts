import { CLUSTER_DNS } from "./addresses";
import { kubectl } from "./controlPlane";
import { list, namespace } from "./manifests";
import type { Tools } from "./tools";

const NAMESPACE = "kube-system";
const NAME = "coredns";
const labels = { "k8s-app": "kube-dns" };
const metadata = { name: NAME, namespace: NAMESPACE };

/** A zone that knows every Service as `NAME.NAMESPACE.svc.ZONE`: to a gateway, hosts outside the cluster. */
export const OUTSIDE = "outside.test";

/** Names of Services and Pods; what is not of the cluster is refused at once, since the lab reaches no other DNS. */
const COREFILE = `.:53 {
  errors
  ready
  kubernetes cluster.local ${OUTSIDE} in-addr.arpa
  cache 1
}
`;

/** CoreDNS, as kubeadm installs it, with one replica. */
const MANIFESTS: Record<string, unknown>[] = [
  namespace(NAMESPACE),
  { apiVersion: "v1", kind: "ServiceAccount", metadata },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: NAME },
    rules: [
      { apiGroups: [""], resources: ["endpoints", "services", "pods", "namespaces"], verbs: ["list", "watch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: NAME },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: NAME },
    subjects: [{ kind: "ServiceAccount", ...metadata }],
  },
  { apiVersion: "v1", kind: "ConfigMap", metadata, data: { Corefile: COREFILE } },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kube-dns", namespace: NAMESPACE, labels },
    spec: {
      clusterIP: CLUSTER_DNS,
      selector: labels,
      ports: [
        { name: "dns", port: 53, protocol: "UDP" },
        { name: "dns-tcp", port: 53, protocol: "TCP" },
      ],
    },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...metadata, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: NAME,
          containers: [
            {
              name: NAME,
              image: "registry.k8s.io/coredns/coredns",
              args: ["-conf", "/etc/coredns/Corefile"],
              volumeMounts: [{ name: "config", mountPath: "/etc/coredns" }],
              readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
            },
          ],
          volumes: [{ name: "config", configMap: { name: NAME } }],
        },
      },
    },
  },
];

/** Starts the cluster's DNS, without waiting for it. */
export async function installClusterDns(pid: number, tools: Tools): Promise<void> {
  const apply = ["apply", "--server-side", "--field-manager=lab", "-f", "-"];
  await kubectl(pid, tools, apply, list(MANIFESTS));
}
