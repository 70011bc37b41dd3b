import type { Rule, Service, StackConfig } from "../config";

/** One change of a stack, in words. */
export interface Change {
  /** Whom it concerns: a service by its name, or everyone behind the gateway. */
  readonly scope: string;
  readonly text: string;
  /** Whether every service may feel it. */
  readonly gatewayWide: boolean;
}

const GATEWAY_WIDE = "gateway-wide";

/** What differs between two configs of a stack. Defaults are filled in: a changed default shows with each service. */
export function changes(before: StackConfig, after: StackConfig): Change[] {
  // What a config needs of the CRDs follows from its services.
  const { services: servicesBefore, fieldUses: _before, ...wholeBefore } = before;
  const { services: servicesAfter, fieldUses: _after, ...wholeAfter } = after;
  const names = [...new Set([...servicesBefore, ...servicesAfter].map(({ name }) => name))];
  const find = (services: readonly Service[], name: string) => services.find((service) => service.name === name);
  return [
    ...differences(wholeBefore, wholeAfter).map((text) => ({ scope: GATEWAY_WIDE, text, gatewayWide: true })),
    ...names.flatMap((scope) =>
      serviceChanges(find(servicesBefore, scope), find(servicesAfter, scope)).map((text) => ({
        scope,
        text,
        gatewayWide: false,
      })),
    ),
  ];
}

function serviceChanges(before: Service | undefined, after: Service | undefined): string[] {
  if (before === undefined) {
    return after === undefined ? [] : [`new, https://${after.host}`];
  }
  if (after === undefined) {
    return [`removed, https://${before.host} answers no more`];
  }
  const { rules: rulesBefore, ...restBefore } = before;
  const { rules: rulesAfter, ...restAfter } = after;
  const labels = [...new Set([...rulesBefore, ...rulesAfter].map(({ name }) => name))];
  const find = (rules: readonly Rule[], label: string) => rules.find(({ name }) => name === label);
  return [
    ...differences(restBefore, restAfter),
    ...labels.flatMap((label) => ruleChanges(find(rulesBefore, label), find(rulesAfter, label))),
  ];
}

function ruleChanges(before: Rule | undefined, after: Rule | undefined): string[] {
  if (before === undefined) {
    return after === undefined ? [] : [`new rule for ${after.path}: ${targets(after)}`];
  }
  if (after === undefined) {
    return [`no rule for ${before.path} any more`];
  }
  const { backends: _before, ...restBefore } = before;
  const { backends: _after, ...restAfter } = after;
  return [
    ...shareChanges(before, after),
    ...differences(restBefore, restAfter).map((text) => `${text}, on ${after.path}`),
  ];
}

/** `canary 5 % → 20 %` */
function shareChanges(before: Rule, after: Rule): string[] {
  const sharesBefore = shares(before);
  const sharesAfter = shares(after);
  const same = [...sharesBefore.keys()].join() === [...sharesAfter.keys()].join();
  if (!same) {
    return [`${after.path} goes to ${targets(after)}, before to ${targets(before)}`];
  }
  // Of two shares, one says it all: the smaller, which is that of the newcomer.
  const moved = [...sharesAfter].filter(([name, share]) => sharesBefore.get(name) !== share);
  const told = moved.length === 2 ? moved.sort(([, a], [, b]) => a - b).slice(0, 1) : moved;
  return told.map(([name, share]) => `${name} ${sharesBefore.get(name) ?? 0} % → ${share} %, on ${after.path}`);
}

/** Share of each backend by its name. Unit: percent, to one decimal. */
function shares({ backends }: Rule): Map<string, number> {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  return new Map(
    backends.map(({ namespace, service, port, weight }) => [
      `${namespace}/${service}:${port}`,
      Math.round((1000 * weight) / total) / 10,
    ]),
  );
}

function targets(rule: Rule): string {
  const all = [...shares(rule)];
  return all.map(([name, share]) => (all.length === 1 ? name : `${name} ${share} %`)).join(", ");
}

/** `timeouts.request 30s → 15s` for each leaf that differs; what is new or gone is named as such. */
function differences(before: unknown, after: unknown, path = ""): string[] {
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differences(before[key], after[key], path === "" ? key : `${path}.${key}`));
  }
  if (JSON.stringify(before) === JSON.stringify(after)) {
    return [];
  }
  if (before === undefined) {
    return [`${path} added: ${shown(after)}`];
  }
  return after === undefined ? [`${path} removed: ${shown(before)}`] : [`${path} ${shown(before)} → ${shown(after)}`];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Longest value that is shown. Unit: characters. */
const MAX_VALUE = 80;

function shown(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? "nothing" : brief(value.map(shown).join(", "));
  }
  if (isMap(value)) {
    return brief(
      Object.entries(value)
        .filter(([, entry]) => entry !== undefined)
        .map(([key, entry]) => `${key} ${shown(entry)}`)
        .join(", "),
    );
  }
  const text = String(value);
  return text.includes("-----BEGIN ") ? "(PEM)" : brief(text);
}

function brief(text: string): string {
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE - 1)}…` : text;
}

/** The changes of one stack as Markdown. */
export function reviewMarkdown(stack: string, found: readonly Change[]): string {
  const lines = found.map(({ scope, text, gatewayWide }) => `- ${gatewayWide ? "⚠️ " : ""}**${scope}**: ${text}`);
  return [`### ${stack}`, "", ...(lines.length === 0 ? ["No change."] : lines), ""].join("\n");
}
