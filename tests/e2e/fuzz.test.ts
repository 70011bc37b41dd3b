import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { loadConfig } from "../../config/load/load";
import type { Service, StackConfig } from "../../config";
import { httpsUrl } from "../../config/resolve/protocols";
import { eventually } from "../../lab/processes";
import { labPath } from "../../lab/state";
import { Draw } from "../fuzz/support/draw";
import { Emission } from "../fuzz/support/emission";
import { AUTHORITY } from "../fuzz/support/material";
import { asText, drawStack, type Given, type Place } from "../fuzz/support/stack";
import { numbered } from "../support/stacks";
import { certificateWithKey, signedBy } from "../support/certificates";
import { apply, backendServices, manifestsOf, nameOf, remove, type Manifest } from "./support/emitted";
import { prepare, theLab } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";
import { parameters } from "../fuzz/support/runs";

const STACK = "fuzz";
const PLACE: Place = {
  gateway: { name: "fuzz", namespace: "fuzz-system", address: "192.168.51.225" },
  provider: "lab-authorizer",
};

/** A client certificate and its key, for gateways that require one. */
const CLIENT_FILE = labPath("fuzz-client.pem");

/** Fixed, as in `npm run test:fuzz`; FUZZ_SEED overrides it. */
const { seed: SEED } = parameters();
/** How many configs the API server validates, and how many of them istiod and Envoy get. */
const SAMPLE = 40;
const DEPLOYED = Number(process.env.FUZZ_RUNS ?? 12);

interface Case {
  readonly given: Given;
  readonly config: StackConfig<number>;
  readonly manifests: Manifest[];
}

describe("fuzzed configs", () => {
  let cases: Case[];
  /** Namespaces that existed before. */
  let known: string[] | undefined;
  /** Objects in the cluster. */
  let present: Manifest[] = [];
  /** Replaces the objects in the cluster. */
  const replaceBy = async (wanted: Manifest[]): Promise<void> => {
    const names = new Set(wanted.map(nameOf));
    const stale = present.filter((manifest) => manifest.kind !== "Namespace" && !names.has(nameOf(manifest)));
    present = [...stale, ...wanted];
    await (wanted.length === 0 ? undefined : apply(wanted));
    await remove(stale);
    present = wanted;
  };

  before(async () => {
    const [emission, authority, own] = await Promise.all([
      Emission.start(),
      AUTHORITY,
      certificateWithKey(["*.fuzz.test"], 30),
    ]);
    const drawn = fc.gen().map((generate) => asText(drawStack(new Draw(generate), authority, PLACE)));
    cases = [];
    try {
      for (const given of fc.sample(drawn, { seed: SEED, numRuns: Math.max(SAMPLE, DEPLOYED) })) {
        const config = numbered(loadConfig(given));
        cases.push({ given, config, manifests: manifestsOf(config, await emission.of(config), own) });
      }
    } finally {
      emission.end();
    }
    const client = await signedBy(authority, { commonName: "client", uses: ["client_auth"] });
    writeFileSync(CLIENT_FILE, client.certificatePem + client.privateKeyPem, { mode: 0o600 });
    await prepare(STACK, {
      domain: "fuzz.test",
      gateway: PLACE.gateway,
      services: [{ name: "authorizer", namespace: "access", port: 8080 }],
      telemetry: { traces: { provider: "otel" } },
    });
    known = await namespaces();
  });

  after(async () => {
    await replaceBy([]);
    if (known === undefined) {
      return;
    }
    const others = new Set(known);
    const made = (await namespaces()).filter((name) => !others.has(name));
    await remove(made.map(namespace));
    await theLab().output(["pulumi", "stack", "rm", STACK, "--yes", "--non-interactive"]);
  });

  it(`pass the API server's validation, including CRD rules (FUZZ_SEED=${SEED})`, async function () {
    this.timeout(300_000);
    await apply(onlyNamespaces(cases.flatMap(({ manifests }) => manifests)));
    const answer = await apply(
      cases.flatMap(({ manifests }) => manifests),
      "--dry-run=server",
    );
    assert.ok(answer.split("serverside-applied (server dry run)").length > 10 * SAMPLE, answer);
  });

  it(`are accepted completely by istiod, Envoy and istioctl (FUZZ_SEED=${SEED})`, async function () {
    this.timeout(600_000);
    for (const [index, { given, config, manifests }] of cases.slice(0, DEPLOYED).entries()) {
      const said = `config ${index} of FUZZ_SEED=${SEED}: ${JSON.stringify(given.values)}`;
      // Every third lacks its backends: patches must not break routes without one.
      const isWhole = index % 3 !== 2;
      const services = backendServices(config.services.filter((service) => isWhole || isDroppedWithout(service)));
      // No Pods are started: globalRateLimit.test.ts covers the rate limit service.
      await replaceBy([...manifests.filter(({ kind }) => kind !== "Deployment"), ...services]);
      await eventually(`the routes of ${said}`, 60_000, async () =>
        assert.deepEqual(await routesInEnvoy(), wantedRoutes(manifests)),
      ).catch(async (error: unknown) => {
        await assertNothingRejected(PLACE.gateway.name);
        throw error;
      });
      if (isPatient(given)) {
        await eventually(`answers from ${said}`, 30_000, async () =>
          assert.deepEqual(
            await silentUrls(config.services.map(({ host, listenPort }) => httpsUrl(host, listenPort))),
            [],
          ),
        );
      }
      // Another clientAddress replaces the Pod, which then starts without listeners.
      await eventually(`nothing rejected of ${said}`, 30_000, () => assertNothingRejected(PLACE.gateway.name));
      if (isWhole) {
        // Conditions of routes appear a little later than the routes.
        await eventually(`a verdict of istioctl on ${said}`, 20_000, async () =>
          assert.deepEqual(await analysis(present), []),
        );
      }
    }
  });
});

/** Istio drops a GRPCRoute rule whose mirror is a missing Service. */
function isDroppedWithout({ protocol, rules }: Service): boolean {
  return protocol === "grpc" && rules.some(({ mirror }) => mirror !== undefined);
}

async function namespaces(): Promise<string[]> {
  const names = await theLab().kubectl(["get", "namespaces", "-o", "jsonpath={.items[*].metadata.name}"]);
  return names.split(" ");
}

function namespace(name: string): Manifest {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

function onlyNamespaces(manifests: readonly Manifest[]): Manifest[] {
  const names = manifests.flatMap(({ kind, metadata }) => (kind === "Namespace" ? [metadata.name] : []));
  return [...new Set(names)].map(namespace);
}

interface RouteSpec {
  hostnames: string[];
  parentRefs: { sectionName: string }[];
  rules: { name: string }[];
}

/** Route names by virtual host. */
type Routes = Record<string, string[]>;

function sorted(routes: readonly (readonly [host: string, names: readonly string[]])[]): Routes {
  return Object.fromEntries(
    routes.map(([host, names]) => [host, [...new Set(names)].sort()] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function wantedRoutes(manifests: readonly Manifest[]): Routes {
  const hosts = new Map<string, string[]>();
  for (const { hostnames, parentRefs, rules } of manifests
    .filter(({ kind }) => /^(HTTP|GRPC)Route$/.test(kind))
    .map(({ spec }) => spec as RouteSpec)) {
    const sections = parentRefs.map(({ sectionName }) => sectionName).filter((name) => name !== "http");
    const ports = new Set(sections.map((name) => /---(\d{1,5})$/.exec(name)?.[1] ?? "443"));
    for (const key of [...ports].flatMap((port) => hostnames.map((host) => `${host}:${port}`))) {
      hosts.set(key, [...(hosts.get(key) ?? []), ...rules.map(({ name }) => name)]);
    }
  }
  return sorted([...hosts]);
}

interface ConfigDump {
  configs?: { route_config: { name: string; virtual_hosts?: { domains: string[]; routes?: { name?: string }[] }[] } }[];
}

async function routesInEnvoy(): Promise<Routes> {
  const url = "http://127.0.0.1:15000/config_dump?resource=dynamic_route_configs";
  const { configs = [] } = JSON.parse(await theLab().inProxy(PLACE.gateway.name, ["curl", "-sf", url])) as ConfigDump;
  return sorted(
    configs.flatMap(({ route_config: { name: table, virtual_hosts = [] } }) => {
      const port = /^https?\.(\d+)/.exec(table)?.[1];
      // Istio puts hosts of the same routes in one virtual host.
      const all = virtual_hosts.flatMap(({ domains, routes = [] }) =>
        domains.map((domain) => [`${domain}:${port ?? ""}`, routes.flatMap(({ name }) => name ?? [])] as const),
      );
      const isServed = (names: readonly string[]) => !names.some((name) => name.startsWith("fuzz--https-redirect"));
      return port === undefined ? [] : all.filter(([, names]) => port !== "80" || isServed(names));
    }),
  );
}

/** Whether connections live long enough for a request: limits of a millisecond are valid. */
function isPatient({ values }: Given): boolean {
  const { hardening } = values.gateway as { hardening?: object };
  return !/Timeout|Duration/.test(Object.keys(hardening ?? {}).join());
}

/** URLs that do not answer, not even with an error. */
async function silentUrls(urls: readonly string[]): Promise<string[]> {
  const config = urls.map((url) => `url = "${url}/"\noutput = /dev/null\n`).join("");
  const where = ["--connect-to", `::${PLACE.gateway.address}:`, "--cert", CLIENT_FILE];
  const curl = ["curl", "-sk", "--max-time", "10", "--write-out", "%{http_code} %{url}\n", ...where, "--config", "-"];
  const { stdout } = await theLab().run(curl, { input: config });
  return urls.filter((url) => !new RegExp(`^[1-5]\\d\\d ${url}/$`, "m").test(stdout));
}

/** istioctl's messages about objects, without those about valid ones: IST0133 only says that an EnvoyFilter is one. */
async function analysis(manifests: readonly Manifest[]): Promise<unknown[]> {
  const { stdout } = await theLab().run(["istioctl", "analyze", "-A", "-o", "json"]);
  const messages = JSON.parse(stdout === "" ? "[]" : stdout) as { level: string; code: string; origin: string }[];
  const names = new Set(manifests.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ""}/${metadata.name}`));
  const own = messages.filter(({ origin }) => names.has(origin));
  const filters = manifests.filter(({ kind }) => kind === "EnvoyFilter");
  assert.equal(own.filter(({ code }) => code === "IST0133").length >= filters.length, true, "it checks our objects");
  return own.filter(({ level, code }) => level !== "Info" && code !== "IST0133");
}
