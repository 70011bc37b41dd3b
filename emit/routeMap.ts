import { milliseconds, type Rule, type Service, type StackConfig, targetName } from "../config";
import type { Host } from "../config/resolve/model";
import { hstsValue } from "../components/routing/hsts";
import { answerInWords } from "../config/resolve/answers";
import { isOpenToAll } from "../config/resolve/entrance";
import { sameContent } from "../config/values/sameContent";
import { authority, httpsUrl } from "../config/resolve/protocols";
import type { Stream } from "../config/resolve/model";
import { entrance, requestOf } from "./words";
import { isEnforced, isGlobal, rateLimitsOf, type RateLimit } from "../config/schema/limits/rateLimit";

/** A stack's routes for humans: a diagram (Mermaid) and a table, as Markdown. */
export function routeMap(stack: string, { listeners, gateway, services, streams }: StackConfig): string {
  const where = gateway.address === undefined ? "" : ` on ${gateway.address}`;
  return [
    `# Routes of ${stack}`,
    "",
    `Gateway \`${gateway.namespace}/${gateway.name}\` serves ${listeners.map(({ hostname = "*", port }) => `\`${authority(hostname, port)}\``).join(", ")}${where}. Plain HTTP is redirected to HTTPS.`,
    "",
    "```mermaid",
    "flowchart LR",
    `  gateway(["${gateway.name}"])`,
    ...services.flatMap(picture),
    ...streams.flatMap(streamPicture),
    "```",
    "",
    "| host | request | goes to | on the way |",
    "| --- | --- | --- | --- |",
    ...services.flatMap((service) => [
      ...service.rules.map((rule) => line(service, rule)),
      ...redirected(service).map(redirectLine(service)),
    ]),
    ...streams.map(streamLine),
    "",
  ].join("\n");
}

function picture(service: Service, index: number): string[] {
  const host = `host${index}`;
  return [
    `  gateway --> ${host}{{"${served(service).join("<br>")}"}}`,
    ...redirected(service).map(
      ({ host: from, redirect }, place) => `  gateway --> ${host}_${place}{{"${from}"}} -. "${redirect}" .-> ${host}`,
    ),
    ...service.rules.flatMap((rule, ruleIndex) =>
      ends(rule).map(
        ({ name, share }, target) =>
          `  ${host} -->|"${quoted([requestOf(rule), share].filter(Boolean).join(": "))}"| target${index}_${ruleIndex}_${target}["${name}"]`,
      ),
    ),
  ];
}

function line(service: Service, rule: Rule): string {
  const goesTo = targets(rule).map(({ name, share }) => (share === "" ? `\`${name}\`` : `\`${name}\` ${share}`));
  const cells = [
    served(service).join(", "),
    `\`${requestOf(rule)}\``,
    answerInWords(rule) ?? goesTo.join(", "),
    onTheWay(service, rule).join("; "),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** Hosts of a service that serve the same. */
function served({ hosts, listenPort }: Service): string[] {
  return hosts.filter(({ redirect }) => redirect === undefined).map(({ host }) => authority(host, listenPort));
}

/** Those that redirect to its first. */
function redirected({ hosts }: Service): Host[] {
  return hosts.filter(({ redirect }) => redirect !== undefined);
}

function redirectLine({ host: first, listenPort }: Service): (host: Host) => string {
  return ({ host, redirect }) =>
    `| ${host} | \`/\` | \`${httpsUrl(first, listenPort)}\` | redirected with ${redirect} |`;
}

function streamPicture(stream: Stream, index: number): string[] {
  const id = `stream${index}`;
  return [
    `  gateway --> ${id}{{"${clientsAsk(stream)}"}}`,
    ...targets(stream).map(({ name, share }, target) => `  ${id} -->|"${share}"| ${id}_${target}["${name}"]`),
  ].map((line) => line.replace('|""| ', ""));
}

function streamLine(stream: Stream): string {
  const goesTo = targets(stream).map(({ name, share }) => (share === "" ? `\`${name}\`` : `\`${name}\` ${share}`));
  const ways = [
    ...(stream.access === undefined ? [] : [entrance(stream)]),
    stream.protocol === "tls-terminate" ? "TLS ended here" : "passed on as it is",
    ...(stream.maxConnections === undefined ? [] : [`up to ${stream.maxConnections} connections`]),
  ];
  return `| ${clientsAsk(stream)} | \`${stream.protocol}\` | ${goesTo.join(", ")} | ${ways.join("; ")} |`;
}

/** `TCP port 5432`, or the names in the handshake. */
function clientsAsk({ listenPort, listeners, protocol }: Stream): string {
  const names = listeners.flatMap(({ hostname }) => hostname ?? []);
  return protocol === "tcp" ? `TCP port ${listenPort}` : names.map((name) => `${name}:${listenPort}`).join(", ");
}

/** What a request leads to: Services, or the gateway's own answer. */
function ends(rule: Rule): ReturnType<typeof targets> {
  const answer = answerInWords(rule);
  return answer === undefined ? targets(rule) : [{ name: answer, share: "" }];
}

function targets({ backends }: Pick<Rule, "backends">): { name: string; share: string }[] {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  return backends.map((backend) => ({
    name: targetName(backend),
    share: backends.length === 1 ? "" : `${Math.round((1000 * backend.weight) / total) / 10} %`,
  }));
}

/** What applies to the rule's requests, in words. */
function onTheWay(service: Service, rule: Rule): string[] {
  const { retry, cors, compression, rewrite, mirror, maintenance, requestHeaders, responseHeaders, limits, telemetry } =
    rule;
  const { fault, hosts, errorPages, hsts } = service;
  const policies = Object.keys(service.trafficPolicy).filter((name) => name !== "tls");
  return [
    ...(hosts.some(({ plainListener }) => plainListener !== undefined) ? ["without TLS too"] : []),
    ...(service.clientCertificates === undefined ? [] : ["needs a certificate of the client"]),
    ...(isOpenToAll(rule.access) && rule.access?.deny === undefined && sameContent(rule.access, service.access)
      ? []
      : [entrance(rule)]),
    ...(rule.backends.length === 0 ? [] : timeLimits(rule)),
    ...(maintenance === undefined
      ? []
      : [`in maintenance${maintenance.allow === undefined ? "" : ` except from ${maintenance.allow.join(" ")}`}`]),
    ...(retry === undefined ? [] : [retry === false ? "no retries" : `${retry.attempts} retries`]),
    ...(cors === undefined ? [] : [`CORS for ${cors.allowOrigins.join(" ")}`]),
    ...(rule.sessionPersistence === undefined ? [] : ["clients stay with an endpoint"]),
    ...(compression === undefined ? [] : [`compressed with ${compression.algorithms.join(" or ")}`]),
    ...rateLimitsOf(rule).map(limited),
    ...(limits?.maxRequestSize === undefined ? [] : [`bodies up to ${limits.maxRequestSize}`]),
    ...(limits?.streamIdleTimeout === undefined ? [] : [`idle timeout ${limits.streamIdleTimeout}`]),
    ...(rewrite === undefined
      ? []
      : [`rewritten to ${[rewrite.hostname, rewrite.path ?? rewrite.prefix].filter(Boolean).join(" ")}`]),
    ...(mirror === undefined
      ? []
      : [`${mirror.percent} % mirrored to ${mirror.namespace}/${mirror.service}:${mirror.port}`]),
    ...(fault?.delay === undefined ? [] : [`${fault.delay.percent} % delayed by ${fault.delay.duration}`]),
    ...(fault?.abort === undefined ? [] : [`${fault.abort.percent} % aborted with ${fault.abort.status}`]),
    ...(requestHeaders === undefined && responseHeaders === undefined ? [] : ["headers changed"]),
    ...(errorPages === undefined
      ? []
      : [errorPages.backendErrors ? "error pages, for backends' 5xx too" : "error pages"]),
    ...(hsts === undefined ? [] : [`HSTS ${hstsValue(hsts)}`]),
    ...(telemetry.traces === undefined ? [] : [`${telemetry.traces.samplePercent} % traced`]),
    ...(telemetry.accessLogs === undefined ? [] : ["own access log rules"]),
    ...backendTls(service),
    ...(policies.length === 0
      ? []
      : [policies.map((name) => name.replace(/([A-Z])/g, " $1").toLowerCase()).join(", ")]),
  ];
}

/** What protects the way from the gateway to the backend, if the config says it. */
function backendTls({ trafficPolicy: { tls } }: Service): string[] {
  switch (tls?.mode) {
    case undefined:
      return [];
    case "DISABLE":
      return ["plain text to the backend"];
    case "ISTIO_MUTUAL":
      return ["mutual TLS of the mesh"];
    case "SIMPLE":
    case "MUTUAL": {
      const shown = tls.mode === "MUTUAL" ? " with a certificate of the gateway" : "";
      return [`TLS to the backend${shown}${tls.insecure === true ? ", which is not verified" : ""}`];
    }
  }
}

/** `global limit shop (shared) 100 per day, not enforced` */
function limited(limit: RateLimit): string {
  const { type, requests, per, status } = limit;
  const shared = isGlobal(limit) && limit.shared !== undefined ? ` ${limit.shared} (shared)` : "";
  return [
    `${type} limit${shared} ${requests} per ${per}`,
    ...("burst" in limit && limit.burst !== undefined ? [`${limit.burst} at once`] : []),
    ...(status === undefined ? [] : [`refused with ${status}`]),
    ...(isEnforced(limit) ? [] : ["not enforced"]),
  ].join(", ");
}

/** How long a request may take, and how long its answer may take to begin. */
function timeLimits({ timeouts: { request, backendRequest = "0s" }, retry }: Rule): string[] {
  const isRetried = retry !== undefined && retry !== false;
  const [total, answer] = [milliseconds(request), milliseconds(backendRequest)];
  const limits = [
    ...(total === 0 ? [] : [`timeout ${request}`]),
    ...(answer === 0 || (total > 0 && answer >= total)
      ? []
      : [isRetried ? `${backendRequest} per try` : `answers begin within ${backendRequest}`]),
  ];
  return limits.length === 0 ? ["no timeout"] : limits;
}

/** A quote would end a Mermaid label. */
function quoted(text: string): string {
  return text.replaceAll('"', "#quot;");
}
