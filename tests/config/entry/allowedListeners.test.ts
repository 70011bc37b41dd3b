import assert from "node:assert/strict";
import { fieldUses, prunedFields } from "../../../config/resolve/fieldUses";
import { refuses as refusesConfig, mistakes, stack } from "../../support/stacks";

const TEAM = { namespace: "team", hosts: ["*.team.test", "team.example.test"] };

function refuses(allowedListeners: unknown, path: string, reason: RegExp, more: Record<string, unknown> = {}): void {
  refusesConfig({ gateway: { allowedListeners }, ...more }, `gateway.allowedListeners${path}`, reason);
}

describe("config/allowedListeners", () => {
  it("refuses hosts that a service or another namespace has, in either direction", () => {
    assert.deepEqual(mistakes({ gateway: { allowedListeners: [TEAM] } }), []);
    const hosts = (...given: string[]) => [{ namespace: "team", hosts: given }];
    refuses(hosts("web.example.test"), "[0].hosts[0]", /services\[0\] does not have \(web\.example\.test\)/);
    refuses(hosts("*.example.test"), "[0].hosts[0]", /services\[0\] does not have/);
    const wildcard = { services: [{ name: "web", namespace: "apps", host: "*.example.test" }] };
    refuses(hosts("a.example.test"), "[0].hosts[0]", /services\[0\] does not have \(\*\.example\.test\)/, wildcard);
    const passed = { name: "p", namespace: "apps", protocol: "tls-passthrough", host: "p.test" };
    refuses(hosts("p.test"), "[0].hosts[0]", /services\[1\]/, {
      services: [{ name: "web", namespace: "apps" }, passed],
    });
    refuses(
      [TEAM, { namespace: "other", hosts: ["x.team.test"] }],
      "[1].hosts[0]",
      /gateway\.allowedListeners\[0\]\.hosts\[0\] does not have/,
    );
    refuses([TEAM, { namespace: "team", hosts: ["b.test"] }], "[1].namespace", /other than that of/);
    refuses(hosts("*"), "[0].hosts[0]", /wildcards such as/);
    refuses([], "", /at least one namespace/);
  });

  it("refuses them where hosts of no service are refused", () => {
    const more = { defaults: { denyByDefault: true, access: { public: true } } };
    refuses([TEAM], "", /denyByDefault, which refuses hosts that no service has/, more);
  });

  it("needs CRDs that have the field", () => {
    const { gateway } = stack({ gateway: { allowedListeners: [TEAM] } });
    const uses = fieldUses({ gateway, services: [], defaults: {} as never });
    const pruned = (version: string) =>
      prunedFields(uses, { channel: "standard", version }).map(({ expected }) => expected);
    assert.match(pruned("v1.4.1").join(), /with Gateway's allowedListeners: .* would silently drop it/);
    assert.deepEqual(pruned("v1.5.1"), []);
  });
});
