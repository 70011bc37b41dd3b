import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { kubeconfigPath, logOf } from "../../../lab/controlPlane";
import { namespace } from "../../../lab/manifests";
import { startDaemon, type ProcessId } from "../../../lab/namespaces";
import { eventually } from "../../../lab/processes";
import { labPath } from "../../../lab/state";
import { ensureOptional } from "../../../lab/tools";
import { theLab } from "../../e2e/support/lab";
import { signedBy, testAuthority } from "../../support/certificates";

/** Longest time to build cert-manager. Unit: milliseconds. */
export const FIRST_BUILD_MS = 30 * 60_000;

/** Address and port of the DNS server that Pebble and cert-manager ask. */
export const NAMESERVER = "127.0.0.1:8053";
/** Pebble's ACME directory, and its roots. */
export const DIRECTORY = "https://localhost:14000/dir";
const ROOT = "https://localhost:15000/roots/0";

/** The key that signs updates of the DNS server. */
export const UPDATE_KEY = {
  name: "cert-manager.test",
  secret: Buffer.from("lab's key of DNS updates").toString("base64"),
};

/** Where cert-manager looks for the Secrets of a ClusterIssuer. */
const NAMESPACE = "cert-manager";

/** Validity of the certificates of each profile. Unit: seconds. */
export const PROFILES = { default: 7_776_000, short: 90 } as const;

export interface Acme {
  /** File with the root of Pebble's certificates. */
  readonly rootFile: string;
  /** Certificate of the CA that signed Pebble's own endpoint, for `caBundle` of an issuer. */
  readonly endpointAuthority: string;
  /** Ends all of it, and deletes every object of cert-manager. */
  stop(): Promise<void>;
}

/**
 * Starts a DNS server, Pebble and cert-manager in the lab's own network, on its loopback interface.
 * @param zones Address of each domain and of every name in it: what a real DNS would answer for a gateway.
 */
export async function startAcme(zones: Readonly<Record<string, string>>): Promise<Acme> {
  const pebble = dirname(await ensureOptional("pebble"));
  const certManager = dirname(await ensureOptional("cert-manager"));
  const lab = theLab();
  const crds = join(certManager, "crds");
  await lab.kubectl(["apply", "--server-side", "-f", crds]);
  await lab.kubectl(["wait", "--for=condition=Established", "--timeout=60s", "-f", crds]);
  await lab.kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify(namespace(NAMESPACE)));

  const cwd = labPath("acme");
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  const authority = await testAuthority(30);
  const endpoint = await signedBy(authority, {
    commonName: "localhost",
    dnsNames: ["localhost"],
    validDays: 30,
    uses: ["server_auth"],
  });
  writeFileSync(join(cwd, "tls.crt"), endpoint.certificatePem);
  writeFileSync(join(cwd, "tls.key"), endpoint.privateKeyPem, { mode: 0o600 });
  writeFileSync(join(cwd, "pebble.json"), JSON.stringify(pebbleConfig(cwd)));

  // Nothing of the machine's environment: both take proxies from it.
  const start = (name: string, command: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    startDaemon(lab.snapshot.holder.pid, {
      name,
      command,
      cwd,
      logFile: logOf(name),
      env: { PATH: process.env.PATH, ...env },
    });
  const hosts = Object.entries(zones).map(([domain, address]) => `${domain}=${address}`);
  const key = `${UPDATE_KEY.name}:${UPDATE_KEY.secret}`;
  const daemons: ProcessId[] = [
    await start("nameserver", [join(pebble, "nameserver"), `-listen=${NAMESERVER}`, `-key=${key}`, ...hosts]),
    await start("pebble", [join(pebble, "pebble"), "-config=pebble.json", `-dnsserver=${NAMESERVER}`], PEBBLE_ENV),
    await start("cert-manager", [
      join(certManager, "controller"),
      `-kubeconfig=${kubeconfigPath()}`,
      `-nameserver=${NAMESERVER}`,
      `-cluster-resource-namespace=${NAMESPACE}`,
    ]),
  ];
  const rootFile = join(cwd, "root.pem");
  await eventually("Pebble", 10_000, async () => {
    writeFileSync(rootFile, await lab.output(["curl", "--silent", "--fail", "--insecure", ROOT]));
    await lab.output(["curl", "--silent", "--fail", "--insecure", DIRECTORY]);
  });
  return {
    rootFile,
    endpointAuthority: authority.certificatePem,
    stop: async () => {
      // While cert-manager runs: it removes the finalizers of its challenges.
      await lab.kubectl(["delete", "-f", crds, "--timeout=60s"]);
      for (const { pid } of daemons) {
        process.kill(pid);
      }
    },
  };
}

/** No pause before each validation, and a new one for each order: else half of them are taken over from earlier orders. */
const PEBBLE_ENV = { PEBBLE_VA_NOSLEEP: "1", PEBBLE_AUTHZREUSE: "0" };

/** https://github.com/letsencrypt/pebble/blob/main/test/config/pebble-config.json */
function pebbleConfig(folder: string): object {
  return {
    pebble: {
      listenAddress: new URL(DIRECTORY).host,
      managementListenAddress: new URL(ROOT).host,
      certificate: join(folder, "tls.crt"),
      privateKey: join(folder, "tls.key"),
      // As Let's Encrypt does: Pebble's own default is not 80.
      httpPort: 80,
      tlsPort: 443,
      retryAfter: { authz: 1, order: 1 },
      keyAlgorithm: "ecdsa",
      profiles: Object.fromEntries(
        Object.entries(PROFILES).map(([name, validityPeriod]) => [name, { description: name, validityPeriod }]),
      ),
    },
  };
}
