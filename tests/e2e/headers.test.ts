import assert from "node:assert/strict";
import { CLIENT_OUTSIDE } from "../../lab/addresses";
import { request } from "../../lab/probe";
import { eventually } from "../../lab/processes";
import { testIssuer } from "../support/jwt";
import { deploy, destroy, theLab } from "./support/lab";

const STACK = "headers";
const DOMAIN = "headers.test";
const ISSUER = testIssuer("https://id.headers.test");

describe("headers with variables", () => {
  const service = (name: string, more: object) => ({ name, namespace: "headers", port: 8080, ...more });
  before(async () => {
    await deploy(STACK, {
      domain: DOMAIN,
      gateway: {
        name: "headers",
        namespace: "headers-system",
        address: "192.168.51.137",
        clientAddress: { trustedProxies: 0 },
      },
      services: [
        service("web", {
          requestHeaders: {
            forwarded: true,
            set: { "x-told": "${scheme} ${host} ${path} 100% ${clientAddress}" },
            add: { "x-id": "${requestId}" },
          },
          responseHeaders: { set: { "x-client": "${clientAddress}" } },
          rewrite: { prefix: "/inner" },
        }),
        service("claims", {
          access: { jwt: { issuer: ISSUER.issuer, jwks: ISSUER.jwks, audiences: ["web"] } },
          requestHeaders: { set: { "x-user": "${claim.sub}" } },
        }),
      ],
    });
    await eventually("the routes", 30_000, async () => assert.equal((await ask("web", "/")).status, 200));
  });
  after(() => destroy(STACK));

  const ask = (host: string, path: string, ...headers: string[]) =>
    request(theLab(), `https://${host}.${DOMAIN}${path}`, { from: CLIENT_OUTSIDE, headers });
  const arrived = (body: string) => (JSON.parse(body) as { headers: Record<string, string> }).headers;

  it("say what the client asked for, whatever it says itself", async () => {
    const forged = ["X-Real-IP: 10.0.0.1", "X-Forwarded-Host: evil.test", "X-Forwarded-Port: 1", "x-told: forged"];
    const { status, body, headers } = await ask("web", "/a/b?c=%20", ...forged);
    assert.equal(status, 200);
    const seen = arrived(body);
    assert.deepEqual(
      [seen["x-real-ip"], seen["x-forwarded-host"], seen["x-forwarded-port"]],
      [CLIENT_OUTSIDE, `web.${DOMAIN}`, "443"],
    );
    assert.equal(seen["x-told"], `https web.${DOMAIN} /a/b?c=%20 100% ${CLIENT_OUTSIDE}`);
    assert.match(seen["x-id"] ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(headers["x-client"], CLIENT_OUTSIDE);
  });

  it("have claims of checked tokens, and nothing of the client where a token has no such claim", async () => {
    const bearer = (claims: object) => `Authorization: Bearer ${ISSUER.token({ aud: "web", ...claims })}`;
    const ada = await ask("claims", "/", bearer({ sub: "ada" }), "x-user: eve");
    assert.deepEqual([ada.status, arrived(ada.body)["x-user"]], [200, "ada"]);
    const nobody = await ask("claims", "/", bearer({}), "x-user: eve");
    assert.deepEqual([nobody.status, arrived(nobody.body)["x-user"]], [200, undefined]);
    assert.equal((await ask("claims", "/", "x-user: eve")).status, 403);
  });
});
