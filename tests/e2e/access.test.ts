import assert from "node:assert/strict";
import { CLIENT_INSIDE, CLIENT_OUTSIDE } from "../../lab/addresses";
import { request, type Answer } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { testIssuer, unsignedToken } from "../support/jwt";
import { deploy, destroy, theLab, type Values } from "./support/lab";
import { bypasses } from "./support/bypasses";
import { http1, sendRaw } from "./support/raw";
import { assertNothingRejected } from "./support/rejects";

const STACK = "access";
const DOMAIN = "access.test";
const ADDRESS = "192.168.51.116";
const GUARDED = `guarded.${DOMAIN}`;
const OPEN = `open.${DOMAIN}`;

const company = testIssuer("https://login.company.test");
const partner = testIssuer("https://login.partner.test");
/** Its keys are behind a URL. */
const publisher = testIssuer("https://login.publisher.test");
/** Claims to be the partner, but signs with its own keys. */
const impostor = testIssuer(partner.issuer);

const service = (name: string, more: Values = {}) => ({ name, namespace: "access", port: 8080, ...more });
/** Pages of this origin may use the API for browsers. */
const APP = "https://app.access.test";
const inside = { allow: ["192.168.0.0/16"] };

const values: Values = {
  domain: DOMAIN,
  gateway: {
    name: "access",
    namespace: "access-system",
    address: ADDRESS,
    clientAddress: { trustedProxies: 0 },
  },
  services: [
    service("guarded", { access: inside }),
    service("open"),
    service("banned", { access: { deny: ["203.0.113.0/24"] } }),
    service("api", {
      access: {
        jwt: {
          issuer: company.issuer,
          jwks: company.jwks,
          audiences: ["api"],
          requiredClaims: { role: ["admin", "ops"] },
        },
      },
    }),
    service("reports", {
      access: {
        jwt: {
          issuer: publisher.issuer,
          jwksUri: `http://keys.access.svc.cluster.local:8080/?body=${encodeURIComponent(JSON.stringify(publisher.jwks))}`,
          audiences: ["reports"],
          forwardOriginalToken: true,
        },
      },
    }),
    // Shares its issuer with services that do not pass the token on.
    service("passed", {
      access: {
        jwt: { issuer: company.issuer, jwks: company.jwks, audiences: ["passed"], forwardOriginalToken: true },
      },
    }),
    service("basic", {
      access: { jwt: { issuer: company.issuer, jwks: company.jwks, audiences: ["basic"] } },
      requestHeaders: { add: { authorization: "Basic b3Vycw==" } },
    }),
    service("partner", { access: { jwt: { issuer: partner.issuer, jwks: partner.jwks, audiences: ["partner"] } } }),
    service("browser", {
      access: { jwt: { issuer: company.issuer, jwks: company.jwks, audiences: ["browser"] } },
      cors: { allowOrigins: [APP], allowHeaders: ["authorization"] },
    }),
    service("asked", {
      access: { externalAuthorization: { provider: "lab-authorizer" } },
      cors: { allowOrigins: [APP] },
    }),
    service("limited", {
      access: inside,
      cors: { allowOrigins: [APP] },
      rateLimit: { type: "local", requests: 3, per: "hour" },
    }),
    service("both", {
      access: { ...inside, jwt: { issuer: company.issuer, jwks: company.jwks, audiences: ["both"] } },
    }),
    service("authorizer"),
    service("keys"),
  ],
};

describe("access", () => {
  const get = (name: string, options: { from?: string; headers?: string[]; path?: string; curl?: string[] } = {}) =>
    request(theLab(), `https://${name}.${DOMAIN}${options.path ?? "/"}`, options);
  const bearer = (token: string) => [`Authorization: Bearer ${token}`];

  before(async () => {
    await deploy(STACK, values);
    await eventually("the routes", 30_000, async () => {
      for (const name of ["guarded", "open", "banned", "authorizer", "keys"]) {
        assert.equal((await get(name, { from: CLIENT_INSIDE })).status, 200, name);
      }
    });
  });
  after(() => destroy(STACK));

  const assertRefused = (answer: Answer, status: number, text: RegExp) => {
    assert.equal(answer.status, status, answer.body);
    assert.match(answer.body, text);
    assert.equal(answer.headers["x-backend"], undefined);
  };
  const DENIED = /^RBAC: access denied$/;
  /** The gateway's own answer, which a page of the allowed origin can read. */
  const assertSeen = ({ status, headers }: Answer, expected: number) =>
    assert.deepEqual(
      [status, headers["access-control-allow-origin"], headers["x-backend"]],
      [expected, APP, undefined],
    );

  describe("by client address", () => {
    it("admits only the addresses of an allow list", async () => {
      const answer = await get("guarded", { from: CLIENT_INSIDE });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["x-backend"], "guarded");
      assertRefused(await get("guarded", { from: CLIENT_OUTSIDE }), 403, DENIED);
    });

    it("refuses only the addresses of a deny list", async () => {
      assertRefused(await get("banned", { from: CLIENT_OUTSIDE }), 403, DENIED);
      assert.equal((await get("banned", { from: CLIENT_INSIDE })).status, 200);
    });

    it("does not affect other hosts, unknown hosts or the redirect", async () => {
      assert.equal((await get("open", { from: CLIENT_OUTSIDE })).status, 200);
      assert.equal((await get("unknown", { from: CLIENT_OUTSIDE })).status, 404);
      const redirect = await request(theLab(), `http://${GUARDED}/a?b=c`, { from: CLIENT_OUTSIDE });
      assert.equal(redirect.status, 301);
      assert.equal(redirect.headers.location, `https://${GUARDED}/a?b=c`);
    });

    it("cannot be bypassed, whatever the request looks like", async () => {
      const cases = bypasses({ address: ADDRESS, from: CLIENT_OUTSIDE, guarded: GUARDED, open: OPEN });
      const answers = await sendRaw(Object.values(cases).map(([raw]) => raw));
      const seen = Object.keys(cases).map((name, index) => [name, answers[index]?.status]);
      assert.deepEqual(
        seen,
        Object.entries(cases).map(([name, [, status]]) => [name, status]),
      );
      answers.forEach(({ text }, index) => {
        assert.doesNotMatch(text, /"service":"guarded"|x-backend"?: ?"?guarded/i, Object.keys(cases)[index]);
      });
      const grpc = Object.keys(cases).indexOf("a gRPC request");
      assert.match(answers[grpc]?.text ?? "", /grpc-status: 7\r\n/, "gRPC says PERMISSION_DENIED in its own header");
      // A client that may enter gets through: the requests themselves are valid.
      const text = http1([`Host: ${GUARDED}`]);
      const [sound] = await sendRaw([{ address: ADDRESS, from: CLIENT_INSIDE, sni: GUARDED, text }]);
      assert.equal(sound?.status, 200);
      assert.match(sound.text, /x-backend: guarded/);
    });
  });

  describe("by token", () => {
    const claims = { sub: "me", aud: "api", role: "admin" };
    const past = Math.floor(Date.now() / 1000) - 3600;

    const refusals: readonly [what: string, token: string | undefined, status: number, text: RegExp][] = [
      ["no token", undefined, 403, DENIED],
      ["no token at all", "", 401, /^Jwt is/],
      ["an expired one", company.token({ ...claims, exp: past }), 401, /^Jwt is expired$/],
      ["one that is not yet valid", company.token({ ...claims, nbf: past + 7200 }), 401, /^Jwt not yet valid$/],
      ["an unknown issuer", company.token({ ...claims, iss: "https://else.test" }), 401, /^Jwt issuer is not/],
      ["another service's issuer", partner.token({ ...claims, aud: "partner" }), 403, DENIED],
      [
        "an audience that no service accepts",
        company.token({ ...claims, aud: "else" }),
        403,
        /^Audiences in Jwt are not/,
      ],
      ["no audience", company.token({ ...claims, aud: undefined }), 403, /^Audiences in Jwt are not/],
      ["another service's audience", company.token({ ...claims, aud: "passed" }), 403, DENIED],
      ["no signature", unsignedToken(company.issuer, claims), 401, /^Jwt/],
      ["a missing claim", company.token({ ...claims, role: undefined }), 403, DENIED],
      ["another value of a claim", company.token({ ...claims, role: "guest" }), 403, DENIED],
      ["a claim that starts with the expected value", company.token({ ...claims, role: "administrator" }), 403, DENIED],
      ["no JWT", "glsa_0123456789", 401, /^Jwt is not in the form/],
    ];
    for (const [what, token, status, text] of refusals) {
      it(`refuses ${what} with ${status}`, async () => {
        assertRefused(await get("api", { headers: token === undefined ? [] : bearer(token) }), status, text);
      });
    }

    it("refuses a token signed with another key with 401", async () => {
      const answer = await get("partner", { headers: bearer(impostor.token({ aud: "partner" })) });
      assertRefused(answer, 401, /^Jwt verification fails$/);
      assert.equal((await get("partner", { headers: bearer(partner.token({ aud: "partner" })) })).status, 200);
    });

    it("admits a valid one, with any of a claim's values, and hides it from the backend", async () => {
      for (const role of ["admin", "ops", ["guest", "ops"]]) {
        const answer = await get("api", { headers: bearer(company.token({ ...claims, aud: ["else", "api"], role })) });
        assert.equal(answer.status, 200, answer.body);
        const { headers } = JSON.parse(answer.body) as { headers: Record<string, string> };
        assert.equal(headers.authorization, undefined);
      }
      assert.equal((await get("api", { headers: bearer(company.token({ ...claims, sub: undefined })) })).status, 200);
    });

    it("accepts no token in a query, and no claims combined from two tokens", async () => {
      const right = company.token(claims);
      assertRefused(await get("api", { path: `/?access_token=${right}` }), 403, DENIED);
      const other = partner.token({ aud: "partner", role: "admin" });
      const roleless = company.token({ ...claims, role: undefined });
      for (const headers of [
        [...bearer(other), ...bearer(roleless)],
        [...bearer(roleless), ...bearer(other)],
      ]) {
        const { status } = await get("api", { headers, curl: ["--http1.1"] });
        assert.ok([401, 403].includes(status), String(status));
      }
    });

    it("fetches keys from a URL, and forwards the token if configured", async () => {
      const token = publisher.token({ aud: "reports" });
      const answer = await get("reports", { headers: bearer(token) });
      assert.equal(answer.status, 200, answer.body);
      const { headers } = JSON.parse(answer.body) as { headers: Record<string, string> };
      assert.equal(headers.authorization, `Bearer ${token}`);
      assertRefused(await get("reports", { headers: bearer(company.token(claims)) }), 403, DENIED);
    });

    it("passes the token on to the services that ask for it, and to no other of the same issuer", async () => {
      const authorization = async (name: string, token: string) => {
        const answer = await get(name, { headers: bearer(token) });
        assert.equal(answer.status, 200, answer.body);
        return (JSON.parse(answer.body) as { headers: Record<string, string> }).headers.authorization;
      };
      const token = company.token({ ...claims, aud: ["api", "passed", "basic"] });
      assert.equal(await authorization("passed", token), `Bearer ${token}`);
      assert.equal(await authorization("api", token), undefined);
      assert.equal(await authorization("basic", token), "Basic b3Vycw==");
    });

    describe("from a browser", () => {
      const options = (headers: string[]) => get("browser", { headers, curl: ["--request", "OPTIONS"] });
      const asksFor = (method: string) => `Access-Control-Request-Method: ${method}`;

      it("answers the preflight, which carries no token, but requires one for the request itself", async () => {
        const preflight = await options([
          `Origin: ${APP}`,
          asksFor("GET"),
          "Access-Control-Request-Headers: authorization",
        ]);
        assert.equal(preflight.status, 200, preflight.body);
        assert.equal(preflight.headers["access-control-allow-origin"], APP);
        assert.equal(preflight.headers["access-control-allow-headers"], "authorization");
        assert.equal(preflight.headers["x-backend"], undefined);
        assertSeen(await get("browser", { headers: [`Origin: ${APP}`] }), 403);
        assertSeen(await get("browser", { headers: [`Origin: ${APP}`, "Authorization: Bearer a.b.c"] }), 401);
        const answer = await get("browser", {
          headers: [`Origin: ${APP}`, ...bearer(company.token({ aud: "browser" }))],
        });
        assert.equal(answer.headers["x-backend"], "browser");
        assert.equal(answer.headers["access-control-allow-origin"], APP);
      });

      for (const origin of ["https://else.test", "http", "http://", `${APP}.else.test`, "https://a, https://b"]) {
        it(`passes no preflight from ${origin} to the backend`, async () => {
          const { status, headers } = await options([`Origin: ${origin}`, asksFor("GET")]);
          assert.deepEqual([headers["x-backend"], headers["access-control-allow-origin"]], [undefined, undefined]);
          assert.equal(status, 200);
        });
      }

      for (const name of ["asked", "limited"]) {
        it(`answers the preflight of ${name}, whoever asks`, async () => {
          const curl = ["--request", "OPTIONS"];
          const headers = [`Origin: ${APP}`, asksFor("GET")];
          assertSeen(await get(name, { headers, curl, from: CLIENT_OUTSIDE }), 200);
        });
      }

      const pretences: Record<string, string[]> = {
        "no headers": [],
        "no requested method": [`Origin: ${APP}`],
        "an empty one": [`Origin: ${APP}`, "Access-Control-Request-Method;"],
        "no origin": [asksFor("GET")],
        "an empty origin": ["Origin;", asksFor("GET")],
      };
      for (const [what, headers] of Object.entries(pretences)) {
        it(`refuses OPTIONS with ${what}`, async () => assertRefused(await options(headers), 403, DENIED));
      }

      it("refuses every other method, whatever it says", async () => {
        const headers = [`Origin: ${APP}`, asksFor("GET"), "X-HTTP-Method-Override: OPTIONS"];
        for (const method of ["GET", "POST", "options", "OPTIONSX"]) {
          const answer = await get("browser", { headers, curl: ["--request", method] });
          assert.ok([400, 403].includes(answer.status), `${method}: ${answer.status}`);
          assert.equal(answer.headers["x-backend"], undefined);
        }
      });
    });

    it("ignores the tokens of other hosts", async () => {
      for (const token of ["glsa_0123456789", unsignedToken("https://else.test", {}), impostor.token({})]) {
        const answer = await get("open", { headers: bearer(token) });
        assert.equal(answer.status, 200, answer.body);
        const { headers } = JSON.parse(answer.body) as { headers: Record<string, string> };
        assert.equal(headers.authorization, `Bearer ${token}`);
      }
    });

    it("checks the address as well if both are configured", async () => {
      const headers = bearer(company.token({ aud: "both" }));
      assert.equal((await get("both", { headers, from: CLIENT_INSIDE })).status, 200);
      assertRefused(await get("both", { headers, from: CLIENT_OUTSIDE }), 403, DENIED);
      assertRefused(await get("both", { from: CLIENT_INSIDE }), 403, DENIED);
    });

    it("redirects plain HTTP without a token", async () => {
      assert.equal((await request(theLab(), `http://api.${DOMAIN}/`)).status, 301);
    });
  });

  describe("by external authorization", () => {
    const asked = (headers: string[] = []) => get("asked", { headers });

    it("admits what the service admits, and nothing else", async () => {
      const answer = await asked(["x-authorize: yes"]);
      assert.equal(answer.status, 200, answer.body);
      assert.equal(answer.headers["x-backend"], "asked");
      assertRefused(await asked(), 403, /^decided by the external authorization/);
      assertRefused(await get("asked", { path: "/?status=200" }), 403, /^decided by/);
      assert.equal((await get("open")).status, 200, "other hosts are not checked");
      assert.equal((await request(theLab(), `http://asked.${DOMAIN}/`)).status, 301);
    });

    it("refuses everything while the service is down", async () => {
      const slice = ["-n", "access", "endpointslice", "authorizer-lab"];
      const saved = await theLab().kubectl(["get", ...slice, "-o", "json"]);
      await theLab().kubectl(["delete", ...slice]);
      await eventually("Envoy to notice that the service is down", 30_000, async () => {
        assert.notEqual((await get("authorizer")).status, 200);
      });
      for (let count = 0; count < 3; count++) {
        assertRefused(await asked(["x-authorize: yes"]), 403, /^$/);
      }
      assert.equal((await get("open")).status, 200);
      await theLab().kubectl(["create", "-f", "-"], withoutVersion(saved));
      await eventually("the service to return", 30_000, async () => {
        assert.equal((await asked(["x-authorize: yes"])).status, 200);
      });
    });
  });

  it("comes before limits: whoever may not enter uses up nobody's", async () => {
    const headers = [`Origin: ${APP}`];
    for (let count = 0; count < 5; count++) {
      assertSeen(await get("limited", { from: CLIENT_OUTSIDE, headers }), 403);
    }
    for (let count = 0; count < 3; count++) {
      assert.equal((await get("limited", { from: CLIENT_INSIDE })).status, 200);
    }
    assertSeen(await get("limited", { from: CLIENT_INSIDE, headers }), 429);
    assertSeen(await get("asked", { headers }), 403);
  });

  it("has every policy in Envoy, and none was rejected", async () => {
    await assertNothingRejected("access");
  });
});

/** An object from kubectl, in a form that can be created again. */
function withoutVersion(json: string): string {
  const { metadata, ...rest } = JSON.parse(json) as { metadata: Record<string, unknown> };
  const { name, namespace, labels } = metadata;
  return JSON.stringify({ ...rest, metadata: { name, namespace, labels } });
}
