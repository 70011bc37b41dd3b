import { isExternal, type Rule, type Service, type StackConfig, type Target, targetName } from "../config";
import { answerInWords } from "../config/resolve/answers";
import type { StackCertificate } from "../config/resolve/certificates";
import { isOpenToAll } from "../config/resolve/entrance";
import { httpsUrl } from "../config/resolve/protocols";
import type { Stream } from "../config/resolve/model";
import { isEnforced, rateLimitsOf } from "../config/schema/limits/rateLimit";
import { sameContent } from "../config/values/sameContent";
import { entrance, requestOf, streamTitle } from "../emit/words";
import { differences } from "./differences";

/** How far a change reaches beyond one service's settings. */
export type Reach = "gateway-wide" | "opens to all" | "removal";

/** One change of a stack, in words. */
export interface Change {
  /** What it affects: a service, by name, or the whole gateway. */
  readonly scope: string;
  readonly text: string;
  /** Undefined: one service, and nobody else may enter. */
  readonly reach?: Reach;
}

const GATEWAY_WIDE = "gateway-wide" as const;

/** What differs between two configs of a stack. Defaults are filled in, so a changed default shows for each service. */
export function changes(before: StackConfig, after: StackConfig): Change[] {
  const [servicesBefore, servicesAfter] = [before.services, after.services];
  const names = [...new Set([...servicesBefore, ...servicesAfter].map(({ name }) => name))];
  const find = (services: readonly Service[], name: string) => services.find((service) => service.name === name);
  return [
    ...domainChanges(before.domains, after.domains),
    ...[...certificateChanges(before, after), ...differences(wholeOf(before), wholeOf(after))].map((text) => ({
      scope: GATEWAY_WIDE,
      text,
      reach: GATEWAY_WIDE,
    })),
    ...streamChanges(before.streams, after.streams),
    ...names.flatMap((scope) =>
      serviceChanges(find(servicesBefore, scope), find(servicesAfter, scope)).map((change) => ({ scope, ...change })),
    ),
  ];
}

/** What is the gateway's own. Listeners, and what a config needs from the CRDs and from Services, follow from its services. */
function wholeOf(stack: StackConfig): object {
  const {
    services: _services,
    streams: _streams,
    fieldUses: _uses,
    listeners: _listeners,
    plainListeners: _plainListeners,
    domains: _domains,
    ...rest
  } = stack;
  const { certificates: _certificates, namedPorts: _ports, ...whole } = rest;
  return whole;
}

function certificateChanges(before: StackConfig, after: StackConfig): string[] {
  const find = ({ certificates }: StackConfig, { key, config }: StackCertificate) =>
    certificates.find((other) => other.key === key && other.config.secretName === config.secretName) ??
    certificates.find((other) => other.key === key);
  const names = ({ dnsNames }: StackCertificate) => dnsNames.join(", ");
  const lost = before.certificates.filter((old) => find(after, old) === undefined);
  return [
    ...after.certificates.flatMap((next) => {
      const old = find(before, next);
      if (old === undefined) {
        return [`new certificate for ${names(next)}: ${next.config.type}, in the Secret ${next.config.secretName}`];
      }
      const settings = (certificate: StackCertificate) => ({ ...certificate.config, names: certificate.dnsNames });
      const of = after.certificates.length === 1 ? "" : `, for ${names(next)}`;
      return differences(settings(old), settings(next), "certificate").map((text) => `${text}${of}`);
    }),
    ...lost.map((old) => `no certificate for ${names(old)} any more`),
  ];
}

/** Domains that the gateway gains and loses. Clients of the others notice nothing of it. */
function domainChanges(before: readonly string[], after: readonly string[]): Change[] {
  const gained = after.filter((domain) => !before.includes(domain));
  const lost = before.filter((domain) => !after.includes(domain));
  const [first] = after;
  return [
    ...gained.map((domain) => ({
      scope: GATEWAY_WIDE,
      text: `also serves the domain ${domain}; requests to the others go on`,
      reach: GATEWAY_WIDE,
    })),
    ...lost.map((domain) => ({
      scope: GATEWAY_WIDE,
      text: `no longer serves the domain ${domain}`,
      reach: "removal" as const,
    })),
    ...(first !== before[0] && gained.length === 0 && lost.length === 0
      ? [
          {
            scope: GATEWAY_WIDE,
            text: `hosts that follow from names are now in ${first ?? "no domain"}`,
            reach: GATEWAY_WIDE,
          },
        ]
      : []),
  ];
}

function streamChanges(before: readonly Stream[], after: readonly Stream[]): Change[] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))];
  return names.flatMap((scope): Change[] => {
    const [old, next] = [before, after].map((streams) => streams.find(({ name }) => name === scope));
    if (next === undefined) {
      return old === undefined
        ? []
        : [{ scope, text: `removed, ${streamTitle(old)} no longer answers`, reach: "removal" }];
    }
    const opens = isOpenToAll(next.access) ? OPENS : {};
    if (old === undefined) {
      return [{ scope, text: `new, ${streamTitle(next)}, ${entrance(next)}`, ...opens }];
    }
    const { access: accessBefore, listeners: _before, ...restBefore } = old;
    const { access: accessAfter, listeners: _after, ...restAfter } = next;
    const titles =
      streamTitle(old) === streamTitle(next) ? [] : [`now ${streamTitle(next)}, previously ${streamTitle(old)}`];
    return [
      ...accessChanges({ access: accessBefore }, { access: accessAfter }),
      ...[...titles, ...differences(restBefore, restAfter)].map((text) => ({ text })),
    ].map((change) => ({ scope, ...change }));
  });
}

type Told = Omit<Change, "scope">;

function serviceChanges(before: Service | undefined, after: Service | undefined): Told[] {
  if (before === undefined) {
    return after === undefined
      ? []
      : [
          { text: `new, ${entrance(after)}: ${urls(after)}`, ...(isOpenToAll(after.access) && OPENS) },
          ...after.rules.flatMap((rule) => ownEntrance(rule, after)),
          ...after.rules
            .filter((rule) => escapesLimit(rule, after))
            .map((rule) => ({ text: `${requestOf(rule)}: without a rate limit` })),
        ];
  }
  if (after === undefined) {
    return [
      {
        text: `removed, ${urls(before)} no longer ${before.hosts.length === 1 ? "answers" : "answer"}`,
        reach: "removal",
      },
    ];
  }
  const {
    rules: _rulesBefore,
    access: _accessBefore,
    canary: _canaryBefore,
    hosts: _hostsBefore,
    ...restBefore
  } = before;
  const { rules: _rulesAfter, access: _accessAfter, canary: _canaryAfter, hosts: _hostsAfter, ...restAfter } = after;
  return [
    ...accessChanges(before, after),
    ...hostChanges(before, after),
    ...differences(restBefore, restAfter).map((text) => ({ text })),
    ...rulesChanges(before, after),
  ];
}

function urls({ hosts, listenPort }: Service): string {
  return hosts
    .flatMap(({ host, plainListener }) => [
      httpsUrl(host, listenPort),
      ...(plainListener === undefined ? [] : [`http://${host} without TLS`]),
    ])
    .join(", ");
}

/** Names that a service gains and loses beside its first, which is a setting of its own, and how each now answers. */
function hostChanges(before: Service, after: Service): Told[] {
  const find = ({ hosts }: Service, name: string) => hosts.find(({ host }) => host === name);
  const names = [...new Set([...before.hosts, ...after.hosts].map(({ host }) => host))];
  return names.flatMap((name): Told[] => {
    const [old, next] = [find(before, name), find(after, name)];
    if (next === undefined) {
      return name === before.host ? [] : [{ text: `https://${name} no longer answers`, reach: "removal" }];
    }
    const how = next.redirect === undefined ? "serves" : `redirects with ${next.redirect} to ${after.host}`;
    const plain = plainChanges(name, old?.plainListener, next.plainListener);
    if (old === undefined) {
      return name === after.host ? plain : [{ text: `https://${name} now ${how}` }, ...plain];
    }
    return old.redirect === next.redirect ? plain : [{ text: `https://${name} now ${how}` }, ...plain];
  });
}

function plainChanges(name: string, before: string | undefined, after: string | undefined): Told[] {
  if (before === after) {
    return [];
  }
  return [
    {
      text:
        after === undefined
          ? `http://${name} is now redirected, previously served without TLS`
          : `http://${name} is now served without TLS, previously redirected`,
    },
  ];
}

const OPENS = { reach: "opens to all" } as const;

/** Opening and closing a service is put in words; anything else is listed by setting. */
function accessChanges(before: Pick<Service, "access">, after: Pick<Service, "access">): Told[] {
  if (isOpenToAll(before.access) !== isOpenToAll(after.access)) {
    return [
      { text: `now ${entrance(after)}, previously ${entrance(before)}`, ...(isOpenToAll(after.access) && OPENS) },
    ];
  }
  return differences({ access: before.access ?? {} }, { access: after.access ?? {} }).map((text) => ({ text }));
}

/** What a path opens or closes in place of its service. */
function ownEntrance(rule: Rule, service: Service): Told[] {
  return sameContent(rule.access, service.access)
    ? []
    : [{ text: `${requestOf(rule)}: ${entrance(rule)}`, ...(isOpenToAll(rule.access) && OPENS) }];
}

/** Nothing of a path that says the same as its service did and does: that is told of the service. */
function ownAccessChanges(old: Rule, before: Service, next: Rule, after: Service): Told[] {
  if (sameContent(old.access, before.access) && sameContent(next.access, after.access)) {
    return [];
  }
  const matchOf = ({ path, type, match }: Rule) => ({ path, type, match });
  const told = accessChanges(old, next).map((change) => ({ ...change, text: `${requestOf(next)}: ${change.text}` }));
  // As open as before, but for other requests.
  return told.length === 0 && !sameContent(matchOf(old), matchOf(next)) ? ownEntrance(next, after) : told;
}

function rulesChanges(before: Service, after: Service): Told[] {
  const labels = [...new Set([...before.rules, ...after.rules].map(({ name }) => name))];
  const find = ({ rules }: Service, label: string) => rules.find(({ name }) => name === label);
  const removed: Told[] = [];
  const access: Told[] = [];
  const added: Told[] = [];
  /** The paths that each text applies to, and how many rules it could apply to. */
  const told = new Map<string, { paths: string[]; rules: number }>();
  const tell = (text: string, { path }: Rule, rules: number) =>
    told.set(text, { paths: [...(told.get(text)?.paths ?? []), path], rules });
  for (const label of labels) {
    const [old, next] = [find(before, label), find(after, label)];
    if (old === undefined && next !== undefined) {
      const [own] = ownEntrance(next, after);
      const who = own === undefined ? "" : `, ${entrance(next)}`;
      const limit = escapesLimit(next, after) ? ", without a rate limit" : "";
      added.push({ ...own, text: `new rule for ${next.path}: ${targets(next, after)}${who}${limit}` });
    } else if (old !== undefined && next === undefined) {
      const who = ownEntrance(old, before).length === 0 ? "" : `, previously ${entrance(old)}`;
      removed.push({ text: `rule for ${old.path} removed${who}`, reach: "removal" });
    } else if (old !== undefined && next !== undefined) {
      access.push(...ownAccessChanges(old, before, next, after));
      const split = after.rules.filter(isSplit).length;
      shareChanges(old, before, next, after).forEach((text) => tell(text, next, split));
      differences(settings(old), settings(next)).forEach((text) => tell(text, next, after.rules.length));
    }
  }
  const changed = [...told].map(([text, { paths, rules }]) => ({
    // What applies to every rule is reported without paths.
    text: paths.length === rules ? text : `${text}, on ${[...new Set(paths)].join(", ")}`,
  }));
  return [...removed, ...access, ...changed, ...added];
}

/** Whether no limit refuses a path's requests, while one does those of other paths. */
function escapesLimit(rule: Rule, { rules }: Service): boolean {
  return !isLimited(rule) && rules.some(isLimited);
}

const isLimited = (rule: Rule) => rateLimitsOf(rule).some(isEnforced);

const isSplit = ({ backends }: Rule) => backends.length > 1;

function settings({ backends: _backends, access: _access, ...rest }: Rule): object {
  return rest;
}

/** `canary 5 % → 20 %` */
function shareChanges(before: Rule, serviceBefore: Service, after: Rule, serviceAfter: Service): string[] {
  const sharesBefore = shares(before, serviceBefore);
  const sharesAfter = shares(after, serviceAfter);
  const same = [...sharesBefore.keys()].join() === [...sharesAfter.keys()].join();
  if (before.backends.length + after.backends.length > 0 && after.backends.length * before.backends.length === 0) {
    return after.backends.length === 0
      ? [`no backend gets requests any more, previously ${targets(before, serviceBefore)}`]
      : [`requests go to ${targets(after, serviceAfter)}, previously to no backend`];
  }
  if (!same) {
    return [`requests go to ${targets(after, serviceAfter)}, previously to ${targets(before, serviceBefore)}`];
  }
  // Of two shares, one is enough: the last, which is the newcomer's.
  const moved = [...sharesAfter].filter(([name, share]) => sharesBefore.get(name) !== share);
  const told = moved.length === 2 ? moved.slice(-1) : moved;
  return told.map(([name, share]) => `${name} ${sharesBefore.get(name) ?? 0} % → ${share} %`);
}

/** Share of each backend by name, in percent, to one decimal. */
function shares({ backends }: Rule, { canary }: Service): Map<string, number> {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  return new Map(
    backends.map((backend) => [
      isCanary(backend, canary) ? "canary" : targetName(backend),
      Math.round((1000 * backend.weight) / total) / 10,
    ]),
  );
}

function isCanary(target: Target, canary: Service["canary"]): boolean {
  return !isExternal(target) && target.service === canary?.service && target.namespace === canary.namespace;
}

function targets(rule: Rule, service: Service): string {
  const answer = answerInWords(rule);
  if (answer !== undefined) {
    return answer;
  }
  const all = [...shares(rule, service)];
  return all.map(([name, share]) => (all.length === 1 ? name : `${name} ${share} %`)).join(", ");
}
