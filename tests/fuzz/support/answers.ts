import { given, type Draw, type Values } from "./draw";

/** What has no effect where the gateway answers itself. */
export const IN_PLACE_OF_BACKENDS: ReadonlySet<string> = new Set([
  "backends",
  "canary",
  "compression",
  "cors",
  "mirror",
  "port",
  "requestHeaders",
  "retry",
  "rewrite",
  "sessionPersistence",
  "timeouts",
  "trafficPolicy",
]);

/** One answer in place of backends, by its key. */
export function drawAnswer(draw: Draw, isGrpc: boolean): Values {
  const content = () =>
    draw.some(50, {
      body: () => draw.pick(["", "back soon\n", "%REQ(x)% ${host} \\1 ü 😀 \"'\u0000", "x".repeat(4096)]),
      contentType: () => draw.pick(["text/html", "application/json; charset=utf-8"]),
    });
  const answers: readonly (() => Values)[] = [
    () => ({
      maintenance: given({
        ...content(),
        retryAfter: draw.maybe(50, () => draw.wholeSeconds("1s", "30d")),
        allow: draw.maybe(40, () => draw.pick([["10.0.0.0/8"], ["192.0.2.1", "2001:db8::/32"]])),
      }),
    }),
    () => ({ deny: draw.pick<unknown>([true, {}, { status: 404 }]) }),
    () => ({
      respond: {
        ...content(),
        ...draw.some(30, { headers: () => ({ "x-own": draw.text() }) }),
        status: draw.pick([200, 203, 404, 418, 599]),
      },
    }),
    () => ({
      redirect: {
        host: draw.pick(["elsewhere.test", "www.elsewhere.test"]),
        ...draw.some(30, {
          scheme: () => draw.pick(["http", "https"]),
          port: () => draw.port(),
          path: () => draw.pick(["/", "/new", "/a%20b/"]),
          status: () => draw.pick([301, 302]),
        }),
      },
    }),
  ];
  return draw.pick(isGrpc ? answers.slice(0, 2) : answers)();
}
