import { hostsOf } from "../../resolve/hosts";
import { resolveTrafficPolicy } from "../../resolve/service";
import type { ParsedBackend } from "../../schema/routing/backend";
import type { IndexedService } from "../../schema/service";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** A backend outside the cluster, and its key path. */
interface External extends IndexedService {
  readonly path: string;
  readonly target: string;
  readonly isAddress: boolean;
}

function externalsOf({ index, service }: IndexedService): External[] {
  const lists = [
    { at: `services[${index}]`, backends: service.backends ?? [] },
    ...service.paths.map(({ backends = [] }, place) => ({ at: `services[${index}].paths[${place}]`, backends })),
  ];
  return lists.flatMap(({ at, backends }) =>
    backends.flatMap(({ host, address }: ParsedBackend, place) => {
      const target = host ?? address;
      const path = `${at}.backends[${place}].${host === undefined ? "address" : "host"}`;
      return target === undefined ? [] : [{ index, service, path, target, isAddress: host === undefined }];
    }),
  );
}

/** Hosts outside the cluster that are not outside, or that Istio could not tell apart. */
export function externalHostProblems({ services, streams, domainList }: CheckedStack): Problem[] {
  const own = new Set(
    domainList === undefined
      ? []
      : services.flatMap(({ service }) => hostsOf(service, domainList).map(({ host }) => host)),
  );
  const first = new Map<string, IndexedService>();
  return [...services, ...streams].flatMap(externalsOf).flatMap(({ index, service, path, target }) => {
    const other = first.get(target) ?? { index, service };
    first.set(target, other);
    const expected = own.has(target)
      ? "a host that this stack does not serve: requests would go in a circle"
      : service.protocol === "tls-terminate"
        ? "the key service: what is decrypted here would leave the cluster in plain text"
        : other.service.protocol === service.protocol
          ? undefined
          : `a host that services[${other.index}] does not reach by ${other.service.protocol}: Istio has one protocol for each`;
    return expected === undefined ? [] : [{ path, value: target, expected }];
  });
}

/** Requests that would leave the cluster unprotected, or that nobody outside understands. */
export function externalTlsProblems({ defaults, services }: CheckedStack): Problem[] {
  return services.flatMap((indexed): Problem[] => {
    const [external] = externalsOf(indexed);
    const address = externalsOf(indexed).find(({ isAddress }) => isAddress);
    const { tls } = resolveTrafficPolicy(indexed.service, defaults);
    const path = `services[${indexed.index}].trafficPolicy.tls`;
    if (external !== undefined && tls?.mode === "ISTIO_MUTUAL") {
      const expected = `a mode other than ISTIO_MUTUAL: ${external.target} has no certificate of the mesh`;
      return [{ path: `${path}.mode`, value: tls.mode, expected }];
    }
    return address !== undefined && tls === undefined
      ? [
          {
            path,
            value: undefined,
            expected: `mode: SIMPLE with sni, the name in the certificate, or mode: DISABLE for plain text to ${address.target}`,
          },
        ]
      : [];
  });
}
