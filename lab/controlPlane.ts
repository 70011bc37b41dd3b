import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { API_SERVER, SERVICE_RANGE } from "./addresses";
import { isAlive, outputInside, startDaemon, type ProcessId } from "./namespaces";
import { eventually, lastLine, output, UserError } from "./processes";
import { labPath } from "./state";
import type { Tools } from "./tools";

const API_SERVER_PORT = 6443;

/** All that Deployments, Services and their Pods need; none that waits for heartbeats of nodes. */
const CONTROLLERS = [
  "deployment-controller",
  "disruption-controller",
  "endpoints-controller",
  "endpointslice-controller",
  "garbage-collector-controller",
  "horizontal-pod-autoscaler-controller",
  "namespace-controller",
  "replicaset-controller",
  "root-ca-certificate-publisher-controller",
  "serviceaccount-controller",
];

/** Starts etcd, the API server, the controllers and the scheduler, with the keys of a snapshot or with new ones. */
export async function startControlPlane(pid: number, tools: Tools): Promise<Record<string, ProcessId>> {
  const daemons: Record<string, ProcessId> = {};
  const start = async (name: ControlPlaneProgram) => {
    daemons[name] = await startProgram(pid, tools, name);
  };
  if (!existsSync(serviceAccountKey())) {
    const token = randomBytes(24).toString("hex");
    writeFileSync(labPath("tokens.csv"), `${token},lab,lab,system:masters\n`, { mode: 0o600 });
    await output("openssl", ["genrsa", "-out", serviceAccountKey(), "2048"]);
  }
  writeFileSync(labPath("audit-policy.yaml"), AUDIT_POLICY);
  await start("etcd");
  await start("kube-apiserver");
  writeKubeconfig(administratorToken());
  await ready(pid, daemons, "kube-apiserver", [tools.programs.kubectl, "get", "--raw", "/readyz"]);
  await start("kube-controller-manager");
  await start("kube-scheduler");
  return daemons;
}

export type ControlPlaneProgram = "etcd" | "kube-apiserver" | "kube-controller-manager" | "kube-scheduler";

/** Starts a program of the control plane, for the first time or again. */
export async function startProgram(pid: number, tools: Tools, name: ControlPlaneProgram): Promise<ProcessId> {
  const cwd = labPath(name);
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  const command = [tools.programs[name], ...programArguments(name)];
  return startDaemon(pid, { name, command, cwd, logFile: logOf(name) });
}

function programArguments(name: ControlPlaneProgram): string[] {
  switch (name) {
    case "etcd":
      return ["--data-dir", labPath("etcd", "data"), "--unsafe-no-fsync"];
    case "kube-apiserver":
      return [
        "--etcd-servers=http://127.0.0.1:2379",
        "--bind-address=0.0.0.0",
        `--advertise-address=${API_SERVER}`,
        "--kubelet-preferred-address-types=ExternalIP",
        `--secure-port=${API_SERVER_PORT}`,
        `--cert-dir=${labPath("kube-apiserver")}`,
        `--service-cluster-ip-range=${SERVICE_RANGE}`,
        `--service-account-key-file=${serviceAccountKey()}`,
        `--service-account-signing-key-file=${serviceAccountKey()}`,
        "--service-account-issuer=https://kubernetes.default.svc",
        "--api-audiences=https://kubernetes.default.svc,istio-ca",
        `--token-auth-file=${labPath("tokens.csv")}`,
        "--authorization-mode=RBAC",
        `--audit-policy-file=${labPath("audit-policy.yaml")}`,
        `--audit-log-path=${auditLog()}`,
      ];
    case "kube-controller-manager":
      return [
        `--kubeconfig=${kubeconfigPath()}`,
        `--controllers=${CONTROLLERS.join(",")}`,
        `--root-ca-file=${labPath("kube-apiserver", "ca.crt")}`,
        "--leader-elect=false",
      ];
    case "kube-scheduler":
      return [`--kubeconfig=${kubeconfigPath()}`, "--leader-elect=false"];
  }
}

const serviceAccountKey = () => labPath("service-account.key");

/** Logs requests by service accounts only: everyone else in the lab is the administrator. */
const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - { level: Metadata, userGroups: ["system:serviceaccounts"] }
  - { level: None }
`;

export function auditLog(): string {
  return labPath("logs", "audit.log");
}

export function logOf(name: string): string {
  return labPath("logs", `${name}.log`);
}

export function kubeconfigPath(): string {
  return labPath("kubeconfig");
}

export function kubeEnv(): NodeJS.ProcessEnv {
  return { ...process.env, KUBECONFIG: kubeconfigPath() };
}

/** Runs kubectl inside, as the administrator, and returns its output. */
export function kubectl(pid: number, tools: Tools, args: readonly string[], input?: string): Promise<string> {
  return outputInside(pid, [tools.programs.kubectl, ...args], { env: kubeEnv(), input });
}

/** How a Prometheus in the lab reaches the API server for its targets: in a pod it would know by itself. */
export function apiAccess(): Record<string, unknown> {
  return {
    api_server: `https://${API_SERVER}:${API_SERVER_PORT}`,
    bearer_token: administratorToken(),
    tls_config: { ca_file: labPath("kube-apiserver", "ca.crt") },
  };
}

function administratorToken(): string {
  const [token = ""] = readFileSync(labPath("tokens.csv"), "utf8").split(",");
  return token;
}

function writeKubeconfig(token: string): void {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "lab",
        cluster: {
          server: `https://${API_SERVER}:${API_SERVER_PORT}`,
          "certificate-authority": labPath("kube-apiserver", "ca.crt"),
        },
      },
    ],
    users: [{ name: "lab", user: { token } }],
    contexts: [{ name: "lab", context: { cluster: "lab", user: "lab" } }],
    "current-context": "lab",
  };
  writeFileSync(kubeconfigPath(), JSON.stringify(config, null, 2), { mode: 0o600 });
}

/** Waits until a command succeeds. If a daemon dies meanwhile, fails with its name and its last line. */
async function ready(
  pid: number,
  daemons: Readonly<Record<string, ProcessId>>,
  what: string,
  command: readonly string[],
): Promise<void> {
  const served = labPath("kube-apiserver", "apiserver.crt");
  await eventually(what, 60_000, async () => {
    failOnDeath(daemons);
    if (existsSync(served)) {
      // The API server creates its own self-signed certificate when it starts.
      copyFileSync(served, labPath("kube-apiserver", "ca.crt"));
    }
    await outputInside(pid, command, { env: kubeEnv() });
  });
}

class DeadDaemon extends UserError {}

function failOnDeath(daemons: Readonly<Record<string, ProcessId>>): void {
  for (const [name, id] of Object.entries(daemons)) {
    if (!isAlive(id)) {
      throw new DeadDaemon(`${name} ended: ${lastLine(readFileSync(logOf(name), "utf8"))} (log: ${logOf(name)})`);
    }
  }
}
