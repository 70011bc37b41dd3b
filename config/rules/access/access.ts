import type { Access } from "../../schema/access/access";
import { tellsClients } from "../../schema/entry/clientAddress";
import { covers } from "../../values/cidr";
import type { Problem } from "../../values/problem";
import { byHost } from "../../resolve/byHost";
import type { CheckedStack } from "../checkedStack";
import { sameContent } from "../../values/sameContent";

/** A service with its access, and where that is set. */
interface Guarded {
  readonly index: number;
  readonly access: Access | undefined;
  /** `services[0].access`, or `defaults.access` if the service sets none. */
  readonly at: string;
}

/** Rules between the keys that say who may enter. */
export function accessProblems(stack: CheckedStack): Problem[] {
  const { defaults } = stack;
  const guarded = [...stack.services, ...stack.streams].map(({ index, service }): Guarded => {
    const at = service.access === undefined && defaults.access !== undefined ? "defaults.access" : keyOf(index);
    return { index, access: service.access ?? defaults.access, at };
  });
  const problems = [
    ...guarded.flatMap((entry) => silenceProblems(entry, defaults.denyByDefault)),
    ...guarded.flatMap(listProblems),
    ...sharedHostProblems(stack, guarded),
    ...providerProblems(guarded),
    ...clientAddressProblems(stack, guarded),
  ];
  // A mistake in defaults.access is reported once, however many services inherit it.
  const seen = new Set<string>();
  return problems.filter(({ path }) => !path.startsWith("defaults.") || (!seen.has(path) && seen.add(path)));
}

function keyOf(index: number): string {
  return `services[${index}].access`;
}

function silenceProblems({ access, at }: Guarded, denyByDefault: boolean): Problem[] {
  if (!denyByDefault || access !== undefined) {
    return [];
  }
  const expected = "access rules, since defaults.denyByDefault is true ({ public: true } lets everyone in)";
  return [{ path: at, value: undefined, expected }];
}

/** Entries of `allow` that a block of `deny` covers entirely. */
function listProblems({ access, at }: Guarded): Problem[] {
  const { allow = [], deny = [] } = access ?? {};
  return allow.flatMap((block, place) => {
    const hidden = deny.findIndex((denied) => covers(denied, block));
    if (hidden < 0) {
      return [];
    }
    const expected = `a block that deny[${hidden}] (${deny[hidden] ?? ""}) does not cover: deny takes precedence`;
    return [{ path: `${at}.allow[${place}]`, value: block, expected }];
  });
}

/** Policies see a request's host, not which service its path belongs to. */
function sharedHostProblems(stack: CheckedStack, guarded: readonly Guarded[]): Problem[] {
  const accessOf = new Map(guarded.map(({ index, access }) => [index, access]));
  return byHost(stack).flatMap(({ host, services: [first, ...others] }) =>
    others
      .filter(({ index }) => !sameContent(accessOf.get(first.index), accessOf.get(index)))
      .map(({ index }) => ({
        path: keyOf(index),
        value: accessOf.get(index),
        expected: `the same access as services[${first.index}]: both serve ${host}, and access applies to the whole host`,
      })),
  );
}

/** Istio supports one provider per gateway, and refuses every request if there are two. */
function providerProblems(guarded: readonly Guarded[]): Problem[] {
  const asking = guarded.filter(({ access }) => access?.externalAuthorization !== undefined);
  return asking.flatMap(({ access, at }) => {
    const [first, provider] = [asking[0], access?.externalAuthorization?.provider];
    const wanted = first?.access?.externalAuthorization?.provider;
    if (first === undefined || provider === wanted) {
      return [];
    }
    const expected = `${wanted ?? ""}, the provider in ${first.at}: Istio supports one per gateway`;
    return [{ path: `${at}.externalAuthorization.provider`, value: provider, expected }];
  });
}

/** An address list is only as reliable as the client's address: the stack has to say where that comes from. */
function clientAddressProblems({ gateway }: CheckedStack, guarded: readonly Guarded[]): Problem[] {
  if (gateway === undefined) {
    return [];
  }
  const { clientAddress } = gateway;
  const listing = guarded.find(({ access }) => access?.allow !== undefined || access?.deny !== undefined);
  if (clientAddress === undefined) {
    const list = listing?.access?.allow === undefined ? "deny" : "allow";
    const expected = `what is in front of the gateway, since ${listing?.at ?? ""}.${list} depends on client addresses ({ trustedProxies: 0 } if nothing changes them)`;
    return listing === undefined ? [] : [{ path: "gateway.clientAddress", value: undefined, expected }];
  }
  const { proxyAddresses } = clientAddress;
  const isTold = tellsClients(clientAddress);
  if (!isTold && proxyAddresses !== undefined) {
    const expected = "not allowed without trustedProxies or proxyProtocol: there are no proxies";
    return [{ path: "gateway.clientAddress.proxyAddresses", value: proxyAddresses, expected }];
  }
  if (isTold && proxyAddresses === undefined && listing !== undefined) {
    const expected = `the proxies' addresses: clients that bypass the proxies could forge theirs and pass ${listing.at} (0.0.0.0/0 and ::/0 leave that to the network)`;
    return [{ path: "gateway.clientAddress.proxyAddresses", value: undefined, expected }];
  }
  return [];
}
