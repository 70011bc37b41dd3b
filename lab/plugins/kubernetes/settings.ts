import type { Failure, Difference, Properties } from "../server";
import { isMap } from "../server";
import { activeCluster } from "./kubeconfig";

/** The provider's settings that the stand-in knows. */
export interface Settings {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly renderYamlToDirectory?: string;
  readonly enableSecretMutable: boolean;
  readonly enableConfigMapMutable: boolean;
  readonly enablePatchForce: boolean;
  readonly upsertExistingObjects: boolean;
  readonly deleteUnreachable: boolean;
}

const COVERED = [
  "kubeconfig",
  "context",
  "renderYamlToDirectory",
  "enableSecretMutable",
  "enableConfigMapMutable",
  "enablePatchForce",
  "enableServerSideApply",
  "upsertExistingObjects",
  "deleteUnreachable",
  "version",
];

export function readSettings(config: Readonly<Record<string, string>>): Settings {
  const text = (key: string) => (config[key] === "" ? undefined : config[key]);
  const flag = (key: string, variable: string) => (config[key] ?? process.env[variable]) === "true";
  return {
    kubeconfig: text("kubeconfig"),
    context: text("context"),
    renderYamlToDirectory: text("renderYamlToDirectory"),
    enableSecretMutable: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    enableConfigMapMutable: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
    enablePatchForce: flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
    upsertExistingObjects: flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    deleteUnreachable: flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
  };
}

export function checkSettings(config: Properties): Failure[] {
  const unknown = Object.keys(config)
    .filter((key) => !COVERED.includes(key) || (key === "enableServerSideApply" && String(config[key]) === "false"))
    .map((key) => ({
      property: key,
      reason: `the lab's stand-in for kubernetes does not support ${key}: ${JSON.stringify(config[key])}`,
    }));
  const { renderYamlToDirectory, context, kubeconfig } = config;
  if (!isGiven(renderYamlToDirectory)) {
    return unknown;
  }
  // The SDK fills in KUBECONFIG by itself.
  const isAmbient = isGiven(kubeconfig) && kubeconfig === process.env.KUBECONFIG;
  const refused = { context, kubeconfig: isAmbient ? undefined : kubeconfig };
  const incompatible = Object.entries(refused)
    .filter(([, value]) => isGiven(value))
    .map(([property]) => ({
      property,
      reason: `"${property}" arg is not compatible with "renderYamlToDirectory" arg`,
    }));
  return [...unknown, ...incompatible];
}

function isGiven(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

/** Another folder to render to, or another cluster, needs every object anew. Any other change only updates the provider. */
export function settingsDifference(olds: Properties, news: Properties): Difference {
  const keys = [...new Set([...Object.keys(olds), ...Object.keys(news)])];
  const changed = keys.filter((key) => JSON.stringify(olds[key]) !== JSON.stringify(news[key]));
  const [before, after] = [olds, news].map(clusterOf);
  const isOtherCluster =
    before !== undefined && after !== undefined && JSON.stringify(before) !== JSON.stringify(after);
  const replaces = (key: string) =>
    key === "renderYamlToDirectory" || (isOtherCluster && ["kubeconfig", "context"].includes(key));
  return {
    changes: Object.fromEntries(
      changed.map((key) => [key, { kind: "update", replace: replaces(key), inputDiff: true }]),
    ),
  };
}

function clusterOf({ kubeconfig, context }: Properties): Properties | undefined {
  const text = isMap(kubeconfig) ? JSON.stringify(kubeconfig) : (kubeconfig as string | undefined);
  return activeCluster(text, context as string | undefined);
}
