import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ApiError, Client } from "../plugins/kubernetes/client";
import type { EndpointSlice, Pod } from "./objects";
import { RunningPod } from "./pod";

/**
 * The lab's one node, which replaces scheduler and kubelet: `node main.ts FOLDER LOGS_FOLDER PROGRAMS`, where PROGRAMS is a
 * JSON map of paths. It runs each Pod's containers as plain processes, reports their status to the API server, and writes
 * the names of Services to the containers' /etc/hosts, which replaces DNS and kube-proxy.
 */
const NODE = "lab-node";
const POLL_MS = 300;
/** Time for containers to exit on their own. */
const GRACE_SECONDS = 5;

const [folder = "", logsFolder = "", programs = "{}"] = process.argv.slice(2);
const client = new Client();
const pods = new Map<string, RunningPod>();
const told = new Map<string, string>();
/** Pods that are being ended. */
const ending = new Set<string>();
const hostsFile = join(folder, "hosts");
let started = 0;

const args = {
  programs: JSON.parse(programs) as Record<string, string>,
  folder,
  logsFolder,
  hostsFile,
  read: async (kind: "configmaps" | "secrets", namespace: string, name: string) => {
    const { data = {} } = await client.call<{ data?: Record<string, string> }>(
      "GET",
      `/api/v1/namespaces/${namespace}/${kind}/${name}`,
    );
    return kind === "configmaps"
      ? data
      : Object.fromEntries(
          Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]),
        );
  },
};

async function list<T>(path: string): Promise<T[]> {
  return (await client.call<{ items: T[] }>("GET", path)).items;
}

const pathOf = ({ metadata }: Pod) => `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;

/** An /etc/hosts with the names of Services, each with the address of one ready endpoint. */
function hosts(slices: readonly EndpointSlice[]): string {
  const lines = slices.flatMap(({ metadata, endpoints }) => {
    const name = `${metadata.labels?.["kubernetes.io/service-name"] ?? ""}.${metadata.namespace}.svc`;
    const address = endpoints?.find(({ conditions }) => conditions?.ready !== false)?.addresses[0];
    return address === undefined ? [] : [`${address} ${name}.cluster.local ${name}\n`];
  });
  return `127.0.0.1 localhost\n${[...new Set(lines)].sort().join("")}`;
}

/** Removes a deleted Pod once its containers have ended. */
async function end(key: string, running: RunningPod): Promise<void> {
  if (ending.has(key)) {
    return;
  }
  ending.add(key);
  try {
    await running.stop(GRACE_SECONDS);
    await client.call("DELETE", pathOf(running.pod), { gracePeriodSeconds: 0 }, "application/json").catch(unlessGone);
    pods.delete(key);
    told.delete(key);
  } catch (error) {
    report(error);
  } finally {
    ending.delete(key);
  }
}

function report(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ApiError && (error.status === 404 || error.status === 409))) {
    throw error;
  }
}

async function see(pod: Pod): Promise<void> {
  const key = pod.metadata.uid;
  const running = pods.get(key);
  if (pod.metadata.deletionTimestamp !== undefined) {
    void end(key, running ?? new RunningPod(pod, 0, args));
  } else if (pod.spec.nodeName === undefined) {
    const target = { apiVersion: "v1", kind: "Node", name: NODE };
    const binding = { apiVersion: "v1", kind: "Binding", metadata: { name: pod.metadata.name }, target };
    await client.call("POST", `${pathOf(pod)}/binding`, binding, "application/json").catch(unlessGone);
  } else if (pod.spec.nodeName !== NODE) {
    // An object without programs: the lab itself sets its status.
    return;
  } else if (running === undefined) {
    started += 1;
    const fresh = new RunningPod(pod, started, args);
    pods.set(key, fresh);
    await fresh.start();
  } else {
    await running.probe();
    const status = running.status();
    const text = JSON.stringify(status);
    if (told.get(key) !== text) {
      await client.call("PATCH", `${pathOf(pod)}/status`, { status }, "application/merge-patch+json").catch(unlessGone);
      told.set(key, text);
    }
  }
}

async function follow(): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
  await client.apply({ apiVersion: "v1", kind: "Node", metadata: { name: NODE } }, "lab", {
    dryRun: false,
    force: true,
  });
  for (let written = ""; ; await new Promise((resolve) => setTimeout(resolve, POLL_MS))) {
    try {
      const names = hosts(await list("/apis/discovery.k8s.io/v1/endpointslices"));
      if (names !== written) {
        // In place: containers have a bind mount of this file.
        writeFileSync(hostsFile, names);
        written = names;
      }
      const present = await list<Pod>("/api/v1/pods");
      await Promise.all(present.map(see));
      for (const [key, running] of pods) {
        if (!present.some(({ metadata }) => metadata.uid === key)) {
          void end(key, running);
        }
      }
    } catch (error) {
      report(error);
    }
  }
}

void follow();
