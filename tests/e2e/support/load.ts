import { theLab } from "./lab";

/** Connections that are open at the same time. */
export const LOAD_CONNECTIONS = 8;

/** Sends many requests to a host over a few connections with one curl. Returns the Service that answered each. */
export async function answeringServices(
  host: string,
  count: number,
  headers: readonly string[] = [],
): Promise<string[]> {
  const config = Array.from({ length: count }, (_, index) => `url = "https://${host}/?n=${index}"\n`).join("");
  const curl = [
    "curl",
    "-sk",
    "--parallel",
    "--parallel-max",
    String(LOAD_CONNECTIONS),
    "--max-time",
    "60",
    "--config",
    "-",
  ];
  const { stdout } = await theLab().run([...curl, ...headers.flatMap((header) => ["-H", header])], { input: config });
  return [...stdout.matchAll(/"service":"([^"]+)"/g)].map(([, name = ""]) => name);
}

/** Keeps a host under load during a change and until Envoy has applied it. Returns how many requests were sent and answered. */
export async function loadDuring(
  change: Promise<unknown>,
  host: string,
  atLeast: number,
): Promise<{ sent: number; answered: number }> {
  const update = { done: false };
  const end = change.finally(() => (update.done = true));
  const size = 500;
  let sent = 0;
  let answered = 0;
  for (let after = 0; after < 3 || sent < atLeast; sent += size) {
    after += update.done ? 1 : 0;
    answered += (await answeringServices(host, size)).length;
  }
  await end;
  return { sent, answered };
}
