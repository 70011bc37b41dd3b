import { type GivenAccess, givenAccesses } from "../../resolve/entrance";
import { tellsClients } from "../../schema/entry/clientAddress";
import { covers } from "../../values/cidr";
import type { IndexedService } from "../../schema/service";
import type { Problem } from "../../values/problem";
import { answersOf } from "../../resolve/answers";
import { byHost } from "../../resolve/byHost";
import type { CheckedStack } from "../checkedStack";
import { sameContent } from "../../values/sameContent";

/** Rules between the keys that say who may enter. */
export function accessProblems(stack: CheckedStack): Problem[] {
  const { defaults } = stack;
  const each = [...stack.services, ...stack.streams].map((indexed) => givenAccesses(indexed, defaults));
  const guarded = each.flat();
  const problems = [
    ...each.flatMap(([ofService]) => silenceProblems(ofService, defaults.denyByDefault)),
    ...guarded.flatMap(listProblems),
    ...sharedHostProblems(stack),
    ...providerProblems(guarded),
    ...clientAddressProblems(stack, guarded),
  ];
  // A mistake in defaults.access is reported once, however many services inherit it.
  const seen = new Set<string>();
  return problems.filter(({ path }) => !path.startsWith("defaults.") || (!seen.has(path) && seen.add(path)));
}

function silenceProblems({ access, at }: GivenAccess, denyByDefault: boolean): Problem[] {
  if (!denyByDefault || access !== undefined) {
    return [];
  }
  const expected = "access rules, since defaults.denyByDefault is true ({ public: true } lets everyone in)";
  return [{ path: at, value: undefined, expected }];
}

/** Entries of `allow` that a block of `deny` covers entirely. */
function listProblems({ access, at }: GivenAccess): Problem[] {
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

/** What a service says is for its whole host, requests to no path among them. */
function sharedHostProblems(stack: CheckedStack): Problem[] {
  const accessOf = ({ service }: IndexedService) => service.access ?? stack.defaults.access;
  return byHost(stack).flatMap(({ host, services: [first, ...others] }) =>
    others
      .filter((other) => !sameContent(accessOf(first), accessOf(other)))
      .map((other) => ({
        path: `services[${other.index}].access`,
        value: accessOf(other),
        expected: `the same access as services[${first.index}]: both serve ${host}, and access is for the whole host; move it to paths`,
      })),
  );
}

/** Istio supports one provider per gateway, and refuses every request if there are two. */
function providerProblems(guarded: readonly GivenAccess[]): Problem[] {
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

/** A list of addresses, and the map that it is in. */
interface List {
  readonly at: string;
  readonly list: "allow" | "deny";
}

function listOf({ access, at }: GivenAccess): List[] {
  return (["allow", "deny"] as const).filter((list) => access?.[list] !== undefined).map((list) => ({ at, list }));
}

function maintenanceLists({ index, service }: IndexedService): List[] {
  return service.paths.flatMap((path, pathIndex) => {
    const isOwn = path.maintenance !== undefined;
    const at = `services[${index}]${isOwn ? `.paths[${pathIndex}]` : ""}.maintenance`;
    return answersOf(service, path).maintenance?.allow === undefined ? [] : [{ at, list: "allow" as const }];
  });
}

/** An address list is only as reliable as the client's address: the stack has to say where that comes from. */
function clientAddressProblems({ gateway, services }: CheckedStack, guarded: readonly GivenAccess[]): Problem[] {
  if (gateway === undefined) {
    return [];
  }
  const { clientAddress } = gateway;
  const [listing] = [...guarded.flatMap(listOf), ...services.flatMap(maintenanceLists)];
  if (clientAddress === undefined) {
    const expected = `what is in front of the gateway, since ${listing?.at ?? ""}.${listing?.list ?? ""} depends on client addresses ({ trustedProxies: 0 } if nothing changes them)`;
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
