import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  changedInputs,
  plain,
  type Create,
  type Delete,
  type Difference,
  type Properties,
  type Update,
} from "../server";

/** Resource type of a chart that Helm installs. */
export const RELEASE = "kubernetes:helm.sh/v3:Release";

/** Inputs of a Release: those that the stand-in knows. */
interface Release {
  readonly name: string;
  readonly namespace: string;
  readonly chart: string;
  readonly version?: string;
  readonly values?: Properties;
  readonly repositoryOpts?: { readonly repo?: string };
  readonly createNamespace?: boolean;
  readonly timeout?: number;
}

// `compat` is what the SDK always sends.
const COVERED = [
  "compat",
  "name",
  "namespace",
  "chart",
  "version",
  "values",
  "repositoryOpts",
  "createNamespace",
  "timeout",
];

/** The provider's default. Unit: seconds. */
const TIMEOUT_SECONDS = 300;

/** Environment of Helm, which takes a kubeconfig by its path only. */
let environment = process.env;

/** @param kubeconfig The provider's setting: contents or path. Default: KUBECONFIG. */
export function configureHelm(kubeconfig: string | undefined): void {
  if (kubeconfig === undefined) {
    return;
  }
  let path = kubeconfig;
  if (!existsSync(kubeconfig)) {
    const folder = mkdtempSync(join(tmpdir(), "helm-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    path = join(folder, "kubeconfig");
    writeFileSync(path, kubeconfig, { mode: 0o600 });
  }
  environment = { ...process.env, KUBECONFIG: path };
}

/** @throws Error for what the stand-in does not do. */
export function checkRelease(news: Properties): Properties {
  const unknown = Object.keys(news).filter((key) => !COVERED.includes(key));
  if (unknown.length > 0 || news.name === undefined) {
    throw new Error(
      `the lab's stand-in for kubernetes installs charts by ${COVERED.join(", ")}, with a name; not by ${unknown.join(", ")}`,
    );
  }
  return news;
}

export function releaseDifference(oldInputs: Properties, news: Properties): Difference {
  return { changes: changedInputs(oldInputs, news, (path) => path === "name" || path === "namespace") };
}

export async function installRelease({ inputs, preview }: Create): Promise<{ id: string; outputs: Properties }> {
  const release = releaseOf(inputs);
  const id = `${release.namespace}/${release.name}`;
  return { id, outputs: preview ? inputs : await run("install", release, inputs) };
}

export async function upgradeRelease({ news, preview }: Update): Promise<Properties> {
  return preview ? news : run("upgrade", releaseOf(news), news);
}

/** Undefined if Helm does not know it. */
export async function readRelease(
  outputs: Properties,
  inputs: Properties,
): Promise<{ inputs: Properties; outputs: Properties } | undefined> {
  const { name, namespace } = releaseOf(outputs);
  const { code, stdout } = await helm(["status", name, "--namespace", namespace, "--output", "json"]);
  return code === 0 ? { inputs, outputs: { ...outputs, status: statusOf(stdout) } } : undefined;
}

export async function uninstallRelease({ outputs }: Delete): Promise<void> {
  const { name, namespace } = releaseOf(outputs);
  await helmOk(["uninstall", name, "--namespace", namespace, "--wait", "--ignore-not-found"]);
}

async function run(verb: "install" | "upgrade", release: Release, inputs: Properties): Promise<Properties> {
  const { name, namespace, chart, version, repositoryOpts, createNamespace, values = {} } = release;
  const repository = repositoryOpts?.repo === undefined ? [] : ["--repo", repositoryOpts.repo];
  const stdout = await helmOk(
    [
      ...[verb, name, chart, "--namespace", namespace, "--values", "-", "--output", "json"],
      ...["--wait", "--timeout", `${release.timeout ?? TIMEOUT_SECONDS}s`],
      ...(version === undefined ? [] : ["--version", version]),
      ...(createNamespace === true && verb === "install" ? ["--create-namespace"] : []),
      ...repository,
    ],
    JSON.stringify(values),
  );
  return { ...inputs, status: statusOf(stdout) };
}

/** What Helm reports of a release, in the provider's words. */
function statusOf(json: string): Properties {
  const { name, namespace, version, info, chart } = JSON.parse(json) as {
    name: string;
    namespace: string;
    version: number;
    info: { status: string };
    chart?: { metadata?: { name: string; version: string; appVersion?: string } };
  };
  const { name: chartName, version: chartVersion, appVersion } = chart?.metadata ?? {};
  return {
    name,
    namespace,
    revision: version,
    status: info.status,
    chart: chartName,
    version: chartVersion,
    appVersion,
  };
}

function releaseOf(properties: Properties): Release {
  return plain(properties) as unknown as Release;
}

async function helmOk(args: readonly string[], input = ""): Promise<string> {
  const { code, stdout, stderr } = await helm(args, input);
  if (code !== 0) {
    throw new Error(stderr.trim());
  }
  return stdout;
}

function helm(args: readonly string[], input = ""): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn("helm", args, { stdio: "pipe", env: environment });
  const texts = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (texts.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (texts.stderr += text));
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, ...texts }));
  });
}
