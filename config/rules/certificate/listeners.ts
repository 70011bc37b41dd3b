import { certificatesOf } from "../../resolve/certificates";
import { hostsOf } from "../../resolve/hosts";
import { listenerKey } from "../../resolve/listeners";
import { isStream, listenPortOf } from "../../resolve/protocols";
import { sameContent } from "../../values/sameContent";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Gateway API v1: most listeners of a Gateway. */
const MAX_LISTENERS = 64;
/** That of plain HTTP. */
const OTHER_LISTENERS = 1;

/** Listeners serve the same certificates for all their hosts, a Secret holds one certificate, and a Gateway has room for all. */
export function listenerProblems(stack: CheckedStack): Problem[] {
  const { domainList, certificate, gateway, services, streams } = stack;
  if (domainList === undefined || certificate === undefined || gateway === undefined) {
    return [];
  }
  const ended = streams.filter(({ service }) => service.protocol === "tls-terminate");
  const placed = [...services, ...ended].flatMap(({ index, service }) =>
    hostsOf(service, domainList).map(({ host, at }) => ({
      host,
      index,
      path: `services[${index}].${service.certificate === undefined ? at : "certificate"}`,
      value: service.certificate ?? host,
      listener: isStream(service) ? `${host}:${listenPortOf(service)}` : listenerKey(host, service, domainList),
      certificates: certificatesOf(host, service, { certificate, gateway }, domainList),
    })),
  );
  const secrets = placed.flatMap((place) => place.certificates.map(({ config }) => ({ ...place, config })));
  const conflicts = placed.flatMap((place) => {
    const first = placed.find(({ listener }) => listener === place.listener) ?? place;
    const names = (of: typeof place) => of.certificates.map(({ config }) => config.secretName);
    const expected = `the same certificate as services[${first.index}], with the same secretName (${names(first).join(", ")}): both have the host ${place.host}`;
    return sameContent(names(first), names(place)) ? [] : [{ path: place.path, value: place.value, expected }];
  });
  const reused = secrets.flatMap((use) => {
    const first = secrets.find(({ config }) => config.secretName === use.config.secretName) ?? use;
    const expected = `a secretName other than ${use.config.secretName}, which is that of another certificate, of services[${first.index}]`;
    return sameContent(first.config, use.config) ? [] : [{ path: use.path, value: use.value, expected }];
  });
  const passed = streams.flatMap(({ service }) =>
    service.protocol === "tcp"
      ? [""]
      : service.protocol === "tls-passthrough"
        ? hostsOf(service, []).map(({ host }) => host)
        : [],
  );
  const plain = services.filter(({ service }) => service.plainHttp === true);
  const plainHosts = new Set(plain.flatMap(({ service }) => hostsOf(service, domainList).map(({ host }) => host)));
  const count =
    new Set(placed.map(({ listener }) => listener)).size + plainHosts.size + passed.length + OTHER_LISTENERS;
  const most = `at most ${MAX_LISTENERS} listeners, which is what a Gateway holds, and these need ${count}: hosts of one domain share one, each host with a certificate of its own needs another`;
  return [
    ...conflicts,
    ...reused,
    ...(count > MAX_LISTENERS ? [{ path: "services", value: `${count} listeners`, expected: most }] : []),
  ];
}
