import assert from "node:assert/strict";
import { credentialsPatches } from "../../../components/access/credentials";
import { filterMap } from "../../support/filterMap";
import { testIssuer } from "../../support/jwt";
import { plain, stack } from "../../support/stacks";

const { issuer, jwks } = testIssuer("https://login.example.test");
const JWT = { jwt: { issuer, jwks, audiences: ["web"] } };
const EXTERNAL = { externalAuthorization: { provider: "login" } };

const TOKEN_HEADER = "x-unified-gateway-token";
const ASK_HEADER = "x-unified-gateway-ask";

const patches = (access: Record<string, unknown>) =>
  credentialsPatches(
    stack({
      gateway: { clientAddress: { trustedProxies: 0 } },
      services: Object.entries(access).map(([name, given]) => ({ name, namespace: "apps", access: given })),
    }).services,
  );

const mutation = (...mutations: object[]) => ({
  "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
  mutations: { request_mutations: mutations },
});
const set = (key: string, value: string) => ({
  append: { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
});
const token = set(TOKEN_HEADER, "%REQ(Authorization)%");
const ask = set(ASK_HEADER, "yes");

describe("components/credentials", () => {
  it("shows Istio's filters the token, and that it has to ask, only on hosts that want it", () => {
    const access = { web: JWT, login: EXTERNAL, both: { ...JWT, ...EXTERNAL }, list: { allow: ["10.0.0.0/8"] } };
    assert.deepEqual(filterMap(patches({ ...access, open: undefined }), "credentials"), {
      filters: {
        "web.example.test:443": mutation(token),
        "login.example.test:443": mutation(ask),
        "both.example.test:443": mutation(token, ask),
      },
      otherwise: undefined,
    });
  });

  it("takes these headers from no client, and shows backends none of them", () => {
    const filters = patches({ web: JWT }).filter(({ applyTo }) => applyTo === "HTTP_FILTER");
    assert.deepEqual(
      plain(filters.map(({ patch }) => [patch.operation, patch.value.name, patch.value.typed_config ?? null])),
      [
        ["INSERT_FIRST", "unified-gateway.credentials", null],
        // Inserted later, so in front of the other.
        [
          "INSERT_FIRST",
          "unified-gateway.credentials-from-clients",
          mutation({ remove: TOKEN_HEADER }, { remove: ASK_HEADER }),
        ],
        // Istio's filter removes the token.
        ["INSERT_BEFORE", "unified-gateway.credentials-to-backends", mutation({ remove: ASK_HEADER })],
      ],
    );
  });

  it("is nothing if no service checks credentials", () => {
    assert.deepEqual(patches({ web: { allow: ["10.0.0.0/8"] }, open: undefined }), []);
  });
});
