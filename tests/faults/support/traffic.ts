import assert from "node:assert/strict";
import { request } from "../../../lab/probe";
import { eventually } from "../../../lab/processes";
import { startHandshakes, type Handshakes } from "../../e2e/support/handshakes";
import { theLab } from "../../e2e/support/lab";

/** Longest time from a change to its effect on the wire. Unit: milliseconds. */
const PROPAGATION_MS = 120_000;

/** The backend that answers for a host, or the status if none does. */
export async function answeredBy(host: string): Promise<string> {
  const { status, headers } = await request(theLab(), `https://${host}/`);
  return status === 200 ? (headers["x-backend"] ?? "nobody") : String(status);
}

export async function eventuallyBy(host: string, answer: string): Promise<void> {
  await eventually(`${host} at ${answer}`, PROPAGATION_MS, async () => assert.equal(await answeredBy(host), answer));
}

/** Requests to a host at a steady rate, each with its own connection and handshake. */
export async function steadyTraffic(address: string, host: string): Promise<Handshakes> {
  const traffic = startHandshakes({
    address,
    host,
    concurrency: 4,
    perSecond: 20,
    atLeast: 0,
    atMost: 100_000,
    maxSeconds: 3_600,
  });
  await traffic.anySight(120_000);
  return traffic;
}

/** Ends the traffic; no request may have failed. */
export async function noneFailed(traffic: Handshakes): Promise<void> {
  const { requests, failures, reasons } = await traffic.stop();
  assert.deepEqual([failures, reasons], [0, []], `${failures} of ${requests} requests failed`);
  assert.ok(requests > 0);
}

/** Does something under traffic; no request may fail. */
export async function underTraffic<T>(address: string, host: string, body: () => Promise<T>): Promise<T> {
  const traffic = await steadyTraffic(address, host);
  try {
    const result = await body();
    await noneFailed(traffic);
    return result;
  } finally {
    await traffic.stop();
  }
}
