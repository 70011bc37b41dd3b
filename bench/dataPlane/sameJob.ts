import assert from "node:assert/strict";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import type { Lab } from "../../lab/lab";
import { ORIGIN, POLICIES, REQUEST_HEADERS, SERVICE } from "./policies";

/** Fails if a contender does not answer, or if the static Envoy does less than the gateway. */
export async function sameJob(lab: Lab): Promise<void> {
  await answer(lab, "bare", []);
  const [ours, byHand] = [await behaviour(lab, POLICIES), await behaviour(lab, "static")];
  assert.equal(ours.plain.status, 200, "this gateway does not serve yet");
  assert.ok("strict-transport-security" in ours.plain.headers && "x-ratelimit-limit" in ours.plain.headers);
  assert.deepEqual(byHand, ours, "the static Envoy does not do the same job as the gateway");
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

export async function behaviour(lab: Lab, name: string) {
  return {
    plain: await answer(
      lab,
      name,
      REQUEST_HEADERS.flatMap((header) => ["-H", header]),
    ),
    fromElsewhere: (await answer(lab, name, [], CLIENT_INSIDE)).status,
    preflight: await answer(lab, name, [
      ...["-X", "OPTIONS", "-H", `Origin: ${ORIGIN}`, "-H", "Access-Control-Request-Method: PUT"],
    ]),
    tooLarge: (await answer(lab, name, ["--http1.1", "-H", "Expect:", "-d", `@${LARGE}`])).status,
    underscore: (await answer(lab, name, ["--http1.1", "-H", "a_b: 1"])).status,
  };
}

/** A file that every machine has, larger than the services' request limit. */
const LARGE = process.execPath;

/** What changes from one answer to the next. */
const CHANGING = ["date", "x-ratelimit-remaining", "x-ratelimit-reset"];

async function answer(lab: Lab, name: string, curl: readonly string[], from = CLIENT_OUTSIDE): Promise<Answer> {
  const url = `https://${SERVICE}.${name}.test/shop?q=1`;
  const flags = ["-sk", "--max-time", "10", "--interface", from, "-o", "/dev/null", "-D", "-"];
  // Curl fails if the answer comes before the request is fully sent, which is not a failure here.
  const { stdout } = await lab.run(["curl", ...flags, ...curl, url]);
  const [status = "", ...lines] = stdout.trim().split(/\r?\n/);
  const headers = lines
    .map((line) => line.split(": "))
    .map(([key = "", value = ""]) => [key, value] as const)
    .filter(([key]) => !CHANGING.includes(key))
    .sort(([a], [b]) => a.localeCompare(b));
  return { status: Number(status.split(" ")[1]), headers: Object.fromEntries(headers) };
}
