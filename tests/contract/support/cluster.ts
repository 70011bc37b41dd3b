import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endWithUs, eventually, output } from "../../../lab/processes";
import type { Tools } from "../../../lab/tools";

/** What deletes objects whose owners are gone, and empties namespaces; and what a Deployment and a Service wait for. */
const CONTROLLERS = [
  "garbage-collector-controller",
  "namespace-controller",
  "deployment-controller",
  "replicaset-controller",
  "endpoints-controller",
];

/** etcd, the API server and controllers on this machine's loopback address: all that a provider needs. */
export class Cluster {
  private readonly ends: (() => void)[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), "gateway-contract-"));
  readonly kubeconfig = join(this.folder, "kubeconfig");

  private constructor(private readonly programs: Tools["programs"]) {}

  static async start(programs: Tools["programs"]): Promise<Cluster> {
    const cluster = new Cluster(programs);
    process.once("exit", cluster.stop);
    try {
      await cluster.startPrograms();
      return cluster;
    } catch (error) {
      cluster.stop();
      throw error;
    }
  }

  readonly stop = (): void => {
    this.ends.splice(0).forEach((end) => end());
    rmSync(this.folder, { recursive: true, force: true });
  };

  kubectl(args: readonly string[], input?: string): Promise<string> {
    return output(this.programs.kubectl, ["--kubeconfig", this.kubeconfig, ...args], { input });
  }

  /** Applies objects as another program would. */
  async apply(manager: string, objects: readonly object[], more: readonly string[] = []): Promise<void> {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    await this.kubectl(["apply", "--server-side", `--field-manager=${manager}`, ...more, "-f", "-"], list);
  }

  /** An object; undefined if there is none. */
  async get(kind: string, name: string, namespace: string): Promise<Live | undefined> {
    const args = ["get", kind, name, "-n", namespace, "-o", "json", "--show-managed-fields", "--ignore-not-found"];
    const text = await this.kubectl(args);
    return text === "" ? undefined : (JSON.parse(text) as Live);
  }

  /** Who owns fields of an object: `MANAGER OPERATION`, sorted. */
  async managers(kind: string, name: string, namespace: string): Promise<string[]> {
    const fields = (await this.get(kind, name, namespace))?.metadata.managedFields ?? [];
    return fields.map(({ manager, operation }) => `${manager} ${operation}`).sort();
  }

  private async startPrograms(): Promise<void> {
    const [client, peer, secure] = await freePorts();
    const token = randomBytes(24).toString("hex");
    const path = (name: string) => join(this.folder, name);
    writeFileSync(path("tokens.csv"), `${token},contract,contract,system:masters\n`, { mode: 0o600 });
    await output("openssl", ["genrsa", "-out", path("service-account.key"), "2048"]);
    const etcd = `http://127.0.0.1:${client}`;
    const peers = `http://127.0.0.1:${peer}`;
    this.launch("etcd", [
      ...["--data-dir", path("etcd"), "--unsafe-no-fsync"],
      ...["--listen-client-urls", etcd, "--advertise-client-urls", etcd],
      ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", `default=${peers}`],
    ]);
    this.launch("kube-apiserver", [
      `--etcd-servers=${etcd}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${secure}`,
      `--cert-dir=${path("certificates")}`,
      "--service-cluster-ip-range=10.96.0.0/16",
      `--service-account-key-file=${path("service-account.key")}`,
      `--service-account-signing-key-file=${path("service-account.key")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--token-auth-file=${path("tokens.csv")}`,
      "--authorization-mode=RBAC",
      "--disable-admission-plugins=ServiceAccount",
    ]);
    const cluster = {
      server: `https://127.0.0.1:${secure}`,
      "certificate-authority": join(path("certificates"), "apiserver.crt"),
    };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "contract", cluster }],
      users: [{ name: "contract", user: { token } }],
      contexts: [{ name: "contract", context: { cluster: "contract", user: "contract" } }],
      "current-context": "contract",
    };
    writeFileSync(this.kubeconfig, JSON.stringify(config), { mode: 0o600 });
    await eventually("kube-apiserver", 60_000, () => this.kubectl(["get", "--raw", "/readyz"]));
    this.launch("kube-controller-manager", [
      `--kubeconfig=${this.kubeconfig}`,
      `--controllers=${CONTROLLERS.join(",")}`,
      "--leader-elect=false",
      "--secure-port=0",
    ]);
  }

  private launch(name: keyof Tools["programs"], args: readonly string[]): void {
    const cwd = join(this.folder, "work", name);
    mkdirSync(cwd, { recursive: true });
    const log = openSync(join(this.folder, `${name}.log`), "a");
    const { pid } = spawn(this.programs[name], args, { cwd, detached: true, stdio: ["ignore", log, log] });
    if (pid === undefined) {
      throw new Error(`${name} did not start`);
    }
    const release = endWithUs(pid);
    this.ends.push(() => {
      release();
      process.kill(-pid, "SIGKILL");
    });
  }
}

export interface Live {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly {
      readonly manager: string;
      readonly operation: string;
      readonly fieldsV1: object;
    }[];
  } & Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Three ports that are free now. */
async function freePorts(): Promise<number[]> {
  const servers = await Promise.all(
    [1, 2, 3].map(
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer();
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
