import assert from "node:assert/strict";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { request, type RequestOptions, stackOutputs, trustFile } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { testIssuer } from "../support/jwt";
import { grpcCalls } from "./support/clients";
import { deploy, destroy, theLab } from "./support/lab";
import { assertNothingRejected } from "./support/rejects";

const STACK = "error-pages";
const DOMAIN = "pages.test";
const ADDRESS = "192.168.51.150";
const ISSUER = testIssuer("https://id.pages.test");
const HTML = "accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";
const PAGE = "https://app.pages.test";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe("error pages", () => {
  const service = (name: string, more: object = {}) => ({ name, namespace: "pages", port: 8080, ...more });
  before(async () => {
    await deploy(STACK, {
      domain: DOMAIN,
      gateway: {
        name: "error-pages",
        namespace: "pages-system",
        address: ADDRESS,
        clientAddress: { trustedProxies: 0 },
        errorPages: {},
      },
      services: [
        service("web", { paths: ["/served"], hsts: { maxAge: "1h" }, timeouts: { request: "2s" }, retry: false }),
        service("closed", { access: { allow: [`${CLIENT_INSIDE}/32`] } }),
        service("token", { access: { jwt: { issuer: ISSUER.issuer, jwks: ISSUER.jwks, audiences: ["a"] } } }),
        service("asked", { access: { externalAuthorization: { provider: "lab-authorizer" } } }),
        // Whom the mesh's provider asks.
        { name: "authorizer", namespace: "access", port: 8080 },
        service("limited", {
          rateLimit: { type: "local", requests: 1, per: "hour" },
          cors: { allowOrigins: [PAGE], allowCredentials: true },
        }),
        service("small", { limits: { maxRequestSize: "1Ki" } }),
        service("own", {
          errorPages: {
            pages: [
              { statuses: [503, "4xx"], html: "<h1>100% ${title}</h1>" },
              { html: "<h1>${status}</h1>", json: '{"code":${status},"id":"${requestId}"}' },
            ],
            backendErrors: true,
          },
          compression: {},
        }),
        service("said", {
          paths: [
            { path: "/closed", respond: { status: 503, body: "closed on Mondays" } },
            { path: "/denied", deny: true },
            {
              path: "/inside",
              access: { allow: [`${CLIENT_INSIDE}/32`] },
              respond: { status: 404, body: "of clients inside" },
            },
            { path: "/maintained", maintenance: {} },
          ],
        }),
        service("off", { errorPages: false, access: { allow: [`${CLIENT_INSIDE}/32`] } }),
        service("calls", { protocol: "grpc", fault: { abort: { status: 503 } } }),
      ],
    });
    await eventually("the routes", 30_000, async () => {
      assert.equal((await ask("web", "/served")).status, 200);
      assert.equal((await ask("own", "/?status=500")).headers["proxy-status"], "unified-gateway");
      assert.equal((await ask("closed", "/")).headers["proxy-status"], "unified-gateway");
      assert.equal((await ask("asked", "/", ["x-authorize: yes"])).status, 200);
    });
  });
  after(() => destroy(STACK));

  const ask = (host: string, path: string, headers: readonly string[] = [], options: RequestOptions = {}) =>
    request(theLab(), `https://${host}.${DOMAIN}${path}`, { from: CLIENT_OUTSIDE, headers, ...options });

  /** Asserts that an answer is the program's own page, in both forms. */
  async function assertPages(
    status: number,
    title: string,
    one: (headers: readonly string[]) => ReturnType<typeof ask>,
  ) {
    const page = await one([HTML]);
    assert.deepEqual([page.status, page.headers["content-type"]], [status, "text/html; charset=utf-8"]);
    assert.match(page.body, new RegExp(`<title>${status}</title>`));
    assert.match(page.body, new RegExp(`<h1>${title}</h1>\\n<p>Status ${status}</p>`));
    assert.doesNotMatch(page.body, /https?:|%|\$\{/);
    const json = await one([]);
    assert.deepEqual([json.status, json.headers["content-type"]], [status, "application/problem+json"]);
    const { requestId, ...said } = JSON.parse(json.body) as Record<string, unknown>;
    assert.deepEqual(said, { status, title });
    assert.match(String(requestId), UUID);
    for (const { headers, body } of [page, json]) {
      assert.deepEqual(
        [headers["content-length"], headers.vary, headers["proxy-status"], headers.server],
        [String(Buffer.byteLength(body)), "Accept", "unified-gateway", undefined],
      );
    }
    return json;
  }

  it("take the place of what the gateway answers, whichever filter refuses", async () => {
    await assertPages(404, "Not Found", (headers) => ask("web", "/nowhere", headers));
    await assertPages(403, "Forbidden", (headers) => ask("closed", "/", headers));
    const body = { curl: ["--data", "x".repeat(40_000)] };
    await assertPages(413, "Payload Too Large", (headers) => ask("small", "/", headers, body));
    await assertPages(503, "Service Unavailable", (headers) => ask("web", "/served?reset=1", headers));
    await assertPages(504, "Gateway Timeout", (headers) => ask("web", "/served?sleep=5000", headers));
  });

  it("leave what a rule answers itself, to those who may enter", async () => {
    for (const headers of [[HTML], []]) {
      const said = await ask("said", "/closed", headers);
      assert.deepEqual([said.status, said.body, said.headers["proxy-status"]], [503, "closed on Mondays", undefined]);
      const inside = await ask("said", "/inside", headers, { from: CLIENT_INSIDE });
      assert.deepEqual([inside.status, inside.body], [404, "of clients inside"]);
      const denied = await ask("said", "/denied", headers);
      assert.deepEqual([denied.status, denied.body, denied.headers["proxy-status"]], [403, "", undefined]);
      const maintained = await ask("said", "/maintained", headers);
      assert.deepEqual([maintained.status, maintained.body, maintained.headers["proxy-status"]], [503, "", undefined]);
      assert.match(maintained.headers["retry-after"] ?? "", /^\d+$/);
    }
    await assertPages(403, "Forbidden", (headers) => ask("said", "/inside", headers));
  });

  it("are for hosts that no service has, too", async () => {
    const resolve = { curl: ["--resolve", `nobody.${DOMAIN}:443:${ADDRESS}`] };
    await assertPages(404, "Not Found", (headers) => ask("nobody", "/", headers, resolve));
  });

  it("keep the headers that tell clients more, those of CORS and those of the route", async () => {
    const token = await assertPages(401, "Unauthorized", (headers) =>
      ask("token", "/", [...headers, "authorization: Bearer x"]),
    );
    assert.match(token.headers["www-authenticate"] ?? "", /^Bearer realm=/);
    await ask("limited", "/");
    const limited = await assertPages(429, "Too Many Requests", (headers) =>
      ask("limited", "/", [...headers, `origin: ${PAGE}`]),
    );
    const { "access-control-allow-origin": origin, "access-control-allow-credentials": may } = limited.headers;
    assert.deepEqual([limited.headers["x-ratelimit-remaining"], origin, may], ["0", PAGE, "true"]);
    const { headers } = await ask("web", "/served?reset=1");
    assert.equal(headers["strict-transport-security"], "max-age=3600");
    assert.equal(headers["www-authenticate"], undefined);
  });

  it("have no body for HEAD", async () => {
    const { status, headers, body } = await ask("closed", "/", [HTML], { curl: ["--head"] });
    assert.deepEqual([status, headers["content-type"], body], [403, "text/html; charset=utf-8", ""]);
    assert.ok(Number(headers["content-length"]) > 100);
  });

  it("are not for what backends and authorizers answer", async () => {
    const theirs = await ask("web", "/served?status=503&body=theirs", [HTML]);
    assert.deepEqual([theirs.status, theirs.body, theirs.headers["proxy-status"]], [503, "theirs", undefined]);
    const authorizer = await ask("asked", "/", [HTML]);
    assert.deepEqual([authorizer.status, authorizer.body], [403, "decided by the external authorization\n"]);
  });

  it("are a service's own, the first for a status, and for its backends' 5xx if it says so", async () => {
    const bodies = async (path: string) => {
      const [html, json] = [await ask("own", path, [HTML]), await ask("own", path)];
      const { id, ...said } = JSON.parse(json.body) as Record<string, unknown>;
      assert.match(String(id), UUID);
      return [html.status, html.body, said];
    };
    assert.deepEqual(await bodies("/?reset=1"), [503, "<h1>100% Service Unavailable</h1>", { code: 503 }]);
    assert.deepEqual(await bodies("/?status=503&body=theirs"), [
      503,
      "<h1>100% Service Unavailable</h1>",
      { code: 503 },
    ]);
    assert.deepEqual(await bodies("/?status=500"), [500, "<h1>500</h1>", { code: 500 }]);
    const missing = await ask("own", "/?status=404&body=theirs", [HTML]);
    assert.deepEqual([missing.status, missing.body], [404, "theirs"]);
    const long = await ask("own", "/?status=500&size=5000&header=retry-after:7", [HTML, "accept-encoding: gzip"]);
    assert.deepEqual([long.headers["content-encoding"], long.headers["retry-after"]], [undefined, "7"]);
    assert.equal(long.body, "<h1>500</h1>");
  });

  it("are off for a service that turns them off", async () => {
    const { status, headers, body } = await ask("off", "/", [HTML]);
    assert.deepEqual([status, headers["content-type"], body], [403, "text/plain", "RBAC: access denied"]);
  });

  it("leave gRPC its codes in trailers, on services and on hosts that none has", async () => {
    const caFile = trustFile(STACK, await stackOutputs(theLab(), STACK)) ?? "";
    const [call] = await grpcCalls({ host: `calls.${DOMAIN}`, caFile, method: "Unary" });
    assert.deepEqual([call?.code, call?.details], [14, "fault filter abort"]);
    const { headers, body } = await ask("closed", "/", ["content-type: application/grpc", HTML], {
      curl: ["--request", "POST"],
    });
    assert.deepEqual([headers["grpc-status"], headers["grpc-message"], body], ["7", "RBAC: access denied", ""]);
  });

  it("are in Envoy's config, and nothing was rejected", () => assertNothingRejected("error-pages"));
});
