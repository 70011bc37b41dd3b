import { lookup } from "node:dns/promises";
import { hostsOf } from "../../config/resolve/model";
import { sampleOf } from "../hosts";
import { row, type Row } from "../row";
import { recordedAddress, type Target } from "../target";

/** Every host resolves to the gateway's address. */
export async function checkDns({ config, outputs, route }: Target): Promise<Row[]> {
  const wanted = route.address ?? (outputs === undefined ? config.gateway.address : recordedAddress(outputs));
  const expected = wanted === undefined ? undefined : await addressesOf(wanted);
  const hosts = hostsOf(config).map(sampleOf);
  return Promise.all(
    hosts.map(async (host) => {
      const found = await addressesOf(host);
      const passed =
        found.length > 0 && (expected === undefined || found.every((address) => expected.includes(address)));
      return row("dns", `${host} resolves to ${wanted ?? "an address"}`, passed, found.join(", ") || "nothing", {
        cause:
          found.length === 0
            ? "the name has no record: add the lines of the stack output dnsRecords to the zone"
            : "the record points elsewhere: it is outdated, or another gateway's",
        more: `dig +short ${host}; pulumi stack output dnsRecords`,
      });
    }),
  );
}

async function addressesOf(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true }).catch(() => []);
  return [...new Set(found.map(({ address }) => address))].sort();
}
