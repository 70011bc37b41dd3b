import type { StackConfig } from "../config";
import { clientsOf, ruleFor } from "./expectations";
import { isVmagent } from "./backends";
import type { Lab } from "./lab";
import { eventually } from "./processes";
import { handshake, request, stackOutputs, trustFile } from "./probe";

/** One row of the table: what was looked at, what was seen, whether it is right. */
export interface Row {
  readonly what: string;
  readonly seen: string;
  readonly passed: boolean;
}

/** How long new config may take to reach Envoy. Unit: milliseconds. */
const PROPAGATION_MS = 30_000;

/** Looks at a deployed stack as a client does. */
export async function checkStack(lab: Lab, stack: string, config: StackConfig): Promise<Row[]> {
  const outputs = await stackOutputs(lab, stack);
  const address = outputs.dnsRecords[0]?.split(" ").at(-1) ?? "";
  const caFile = trustFile(stack, outputs);
  const host = config.services[0]?.host ?? config.domain;
  await eventually("the routes in Envoy", PROPAGATION_MS, async () => {
    for (const service of config.services) {
      const { status } = await request(lab, `https://${service.host}/`, { from: clientsOf(service).admitted[0] });
      if (status === 0 || status === 404) {
        throw new Error(`${service.host} answers ${status}`);
      }
    }
  });

  const rows: Row[] = [];
  const row = (what: string, seen: string, passed: boolean) => rows.push({ what, seen, passed });

  const redirect = await request(lab, `http://${host}/path?query=1`);
  const location = redirect.headers.location ?? "";
  row(
    "http redirects to https",
    `${redirect.status} ${location}`,
    redirect.status === 301 && location === `https://${host}/path?query=1`,
  );

  const chain = await handshake(lab, address, host, caFile === undefined ? [] : ["-CAfile", caFile]);
  if (caFile === undefined) {
    row("certificate is served", `serial ${chain.serial}`, chain.succeeded);
  } else {
    row("certificate chain verifies", `${chain.verification}, serial ${chain.serial}`, chain.verification === "OK");
  }
  for (const [version, wanted] of [
    ["tls1", false],
    ["tls1_1", false],
    ["tls1_2", config.gateway.tls.minVersion === "1.2"],
    ["tls1_3", true],
  ] as const) {
    // Security level 0 lets the client offer what it would itself refuse.
    const result = await handshake(lab, address, host, [`-${version}`, "-cipher", "DEFAULT:@SECLEVEL=0"]);
    const name = version.replace("tls1_", "TLS 1.").replace(/^tls1$/, "TLS 1.0");
    row(
      `${name} is ${wanted ? "accepted" : "refused"}`,
      result.succeeded ? result.cipher : "refused",
      result.succeeded === wanted,
    );
  }
  const weak = await handshake(lab, address, host, [
    "-tls1_2",
    "-cipher",
    "AES128-SHA:AES256-SHA:ECDHE-RSA-AES128-SHA:@SECLEVEL=0",
  ]);
  row("weak ciphers are refused", weak.succeeded ? weak.cipher : "refused", !weak.succeeded);

  const from = config.services[0] && clientsOf(config.services[0]).admitted[0];
  const { httpVersion } = await request(lab, `https://${host}/`, { caFile, from });
  row("HTTP/2 is negotiated", `HTTP/${httpVersion}`, httpVersion === "2");

  for (const service of config.services) {
    const { admitted, refused } = clientsOf(service);
    for (const client of refused) {
      const { status } = await request(lab, `https://${service.host}/`, { caFile, from: client });
      row(`https://${service.host}/ refuses ${client}`, String(status), status === 403);
    }
    const answer = await request(lab, `https://${service.host}/`, { caFile, from: admitted[0] });
    if (service.access?.jwt !== undefined || service.access?.externalAuthorization !== undefined) {
      row(`https://${service.host}/ asks for credentials`, String(answer.status), [401, 403].includes(answer.status));
      continue;
    }
    const rule = ruleFor(service, "/");
    const backends = rule?.backends ?? [];
    const echo = answer.headers["x-backend"];
    // A real vmagent names itself by a header of its own. With a canary, either version may answer.
    const isReal = answer.headers["x-server-hostname"] !== undefined;
    const from = backends.find((backend) => (isReal ? isVmagent(backend) : backend.service === echo))?.service;
    row(
      `https://${service.host}/`,
      `${answer.status} from ${from ?? echo ?? "nobody"}`,
      answer.status === 200 && from !== undefined,
    );
  }
  const unknown = await request(lab, `https://unknown.${config.domain}/`);
  row("an unknown host is refused", String(unknown.status), unknown.status === (config.denyByDefault ? 403 : 404));
  return rows;
}

/** Rows as text: marks, names and what was seen, in columns. */
export function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ what }) => what.length));
  return rows
    .map(({ what, seen, passed }) => `  ${passed ? "ok  " : "FAIL"}  ${what.padEnd(width)}  ${seen}`)
    .join("\n");
}
