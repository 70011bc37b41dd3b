import { join } from "node:path";
import { type Service, serviceTargets, type StackConfig } from "../config";
import { httpsUrl } from "../config/resolve/protocols";
import { row, type Row } from "../verify/row";
import { isVmagent } from "./backends";
import { clientsOf, ruleFor } from "./expectations";
import type { Lab } from "./lab";
import { REPOSITORY } from "./paths";
import { eventually } from "./processes";
import { request, stackOutputs, trustFile } from "./probe";
import { stackFile, xdsAddress } from "./stacks";

/** How long new config may take to reach Envoy. Unit: milliseconds. */
const PROPAGATION_MS = 30_000;

/** Checks a deployed stack: with `verify`, and for what only the lab knows, which backend answered. */
export async function checkStack(
  lab: Lab,
  stack: string,
  config: StackConfig,
  file = stackFile(stack),
): Promise<Row[]> {
  const caFile = trustFile(stack, await stackOutputs(lab, stack), lab.existingCertificates(config)) ?? "";
  await eventually("the routes in Envoy", PROPAGATION_MS, async () => {
    for (const service of config.services) {
      const { status } = await request(lab, `${httpsUrl(service.host, service.listenPort)}/`, {
        from: clientsOf(atRoot(service)).admitted[0],
      });
      if (status === 0 || status === 404) {
        throw new Error(`${service.host} answered ${status}`);
      }
    }
  });
  const rows = await verified(lab, stack, file, config, caFile);
  for (const service of config.services) {
    rows.push(...(await answerers(lab, service, caFile)));
  }
  return rows;
}

/** The rows of `npm run verify`, run as a client of the first service. */
async function verified(
  lab: Lab,
  stack: string,
  file: string,
  { services, gateway }: StackConfig,
  caFile: string,
): Promise<Row[]> {
  const from = services[0] && clientsOf(atRoot(services[0])).admitted[0];
  const main = join(REPOSITORY, "verify", "main.ts");
  const options = ["--stack", stack, "--config-file", file, "--ca", caFile, "--json"];
  const command = [process.execPath, "-r", "ts-node/register/transpile-only", main, ...options];
  const { stdout, stderr } = await lab.run([...command, ...(from === undefined ? [] : ["--from", from])], {
    cwd: REPOSITORY,
    env: { ISTIOCTL_XDS_ADDRESS: xdsAddress(gateway.revision) },
  });
  if (stdout === "") {
    throw new Error(`verify printed nothing: ${stderr}`);
  }
  return (JSON.parse(stdout) as { rows: Row[] }).rows;
}

/** Who may enter where these checks ask. */
function atRoot(service: Service): Pick<Service, "access"> {
  return ruleFor(service, "/") ?? service;
}

/** Which backend answers a service's clients, and whether other clients are refused. */
async function answerers(lab: Lab, service: Service, caFile: string): Promise<Row[]> {
  const url = `${httpsUrl(service.host, service.listenPort)}/`;
  const { access } = atRoot(service);
  const { admitted, refused } = clientsOf({ access });
  const rows: Row[] = [];
  for (const client of refused) {
    const { status } = await request(lab, url, { caFile, from: client });
    rows.push(row("access", `${url} refuses ${client}`, status === 403, String(status)));
  }
  const { status, headers } = await request(lab, url, { caFile, from: admitted[0] });
  if (access?.jwt !== undefined || access?.externalAuthorization !== undefined) {
    return rows;
  }
  const echo = headers["x-backend"];
  // A real vmagent identifies itself with its own header. With a canary, either version may answer.
  const isReal = headers["x-server-hostname"] !== undefined;
  const backend = serviceTargets(ruleFor(service, "/")?.backends ?? []).find((one) =>
    isReal ? isVmagent(one) : one.service === echo,
  );
  const who = backend?.service ?? echo ?? "nobody";
  rows.push(
    row(
      "backends",
      `${url} is answered by its own backend`,
      status === 200 && backend !== undefined,
      `${status} from ${who}`,
    ),
  );
  return rows;
}
