import assert from "node:assert/strict";
import { sessionPersistencePatches } from "../../../components/routing/sessionPersistence";
import { stack } from "../../support/stacks";

interface Session {
  readonly session_state: { readonly typed_config: { readonly cookie: Record<string, unknown> & { name: string } } };
}

/** The cookie of each rule. */
function cookies(more: object): Record<string, Session["session_state"]["typed_config"]["cookie"]> {
  const { services } = stack({ services: [{ name: "web", namespace: "apps", ...more }] });
  const patch = sessionPersistencePatches(services).find(({ applyTo }) => applyTo === "EXTENSION_CONFIG");
  const { xds_matcher } = (patch?.patch.value as { typed_config: { xds_matcher: object } }).typed_config;
  const { map } = (xds_matcher as { matcher_tree: { exact_match_map: { map: Record<string, object> } } }).matcher_tree
    .exact_match_map;
  return Object.fromEntries(
    Object.entries(map).map(([rule, match]) => {
      const { action } = match as { action: { typed_config: { typed_config: { typed_config: Session } } } };
      return [rule, action.typed_config.typed_config.typed_config.session_state.typed_config.cookie];
    }),
  );
}

describe("components/sessionPersistence", () => {
  it("sets a cookie for each backend, which its paths share", () => {
    const all = cookies({
      sessionPersistence: { absoluteTimeout: "8h" },
      paths: [
        "/",
        "/a",
        { path: "/b", backends: [{ service: "other" }] },
        { path: "/c", sessionPersistence: {} },
        { path: "/d", sessionPersistence: false },
      ],
    });
    assert.deepEqual(Object.keys(all).sort(), ["web--a", "web--b", "web--c", "web--root"]);
    const { name = "", ...cookie } = all["web--root"] ?? {};
    assert.match(name, /^session-[0-9a-f]{10}$/);
    assert.deepEqual(cookie, { path: "/", ttl: "28800s", attributes: [{ name: "Secure" }] });
    assert.equal(all["web--a"]?.name, name);
    assert.equal(all["web--c"]?.name, name);
    assert.equal(all["web--c"].ttl, undefined, "until the browser ends its session");
    assert.notEqual(all["web--b"]?.name, name);
  });

  it("adds nothing where no service asks for it", () => {
    assert.deepEqual(sessionPersistencePatches(stack({ services: [{ name: "web", namespace: "apps" }] }).services), []);
  });
});
