import assert from "node:assert/strict";
import { accessFilterPatches } from "../../../components/access/accessFilter";
import { admissionName, admissionSpec } from "../../../components/entry/listenerAdmission";
import { gatewaySpec } from "../../../components/entry/tlsGateway";
import { listenerSetRow, type ListenerSet } from "../../../verify/cluster/listenerSets";
import { filterMap } from "../../support/filterMap";
import { stack } from "../../support/stacks";

const ALLOWED = [{ namespace: "team", hosts: ["*.team.test", "team.example.test"] }];

describe("components/listenerAdmission", () => {
  const GATEWAY = { name: "edge", namespace: "edge-system" };

  it("lets only the namespaces of the config attach, and checks their hosts", () => {
    const { gateway } = stack({ gateway: { allowedListeners: ALLOWED } });
    const { allowedListeners } = gatewaySpec({ config: gateway, listeners: [], protect: false });
    assert.match(JSON.stringify(allowedListeners), /"operator":"In","values":\["team"\]/);
    assert.equal(gatewaySpec({ config: stack().gateway, listeners: [], protect: false }).allowedListeners, undefined);
    const spec = admissionSpec(ALLOWED, GATEWAY);
    assert.equal(spec.failurePolicy, "Fail");
    assert.match(JSON.stringify(spec.matchConditions), /edge-system/);
    assert.equal(admissionName(GATEWAY), "listeners.edge.edge-system");
  });

  it("leaves hosts of others to their own rules", () => {
    const gateway = { allowedListeners: ALLOWED, clientAddress: { trustedProxies: 0 } };
    const config = stack({
      gateway,
      services: [{ name: "web", namespace: "apps", access: { allow: ["10.0.0.0/8"] } }],
    });
    const { patterns = {} } = filterMap(accessFilterPatches({ ...config, allowedListeners: ALLOWED }), "access");
    const [regex = ""] = Object.keys(patterns);
    const matches = (key: string) => new RegExp(`^(?:${regex})$`).test(key);
    assert.deepEqual(
      ["a.team.test:443", "a.b.team.test:443", "team.example.test:443", "team.test:443", "web.example.test:443"].map(
        matches,
      ),
      [true, true, true, false, false],
    );
  });
});

describe("verify/listenerSets", () => {
  const set = (listener: object, conditions?: object[]): ListenerSet =>
    ({
      metadata: { name: "own", namespace: "team" },
      spec: { parentRef: { name: "edge" }, listeners: [{ name: "a", port: 443, protocol: "HTTPS", ...listener }] },
      status: conditions && { conditions },
    }) as ListenerSet;
  const good = [{ type: "Accepted", status: "True", message: "" }];
  const check = (one: ListenerSet) => listenerSetRow(one, ALLOWED, "listeners.edge.edge-system");

  it("reports what is outside of its hosts, ignored, or refused", () => {
    assert.equal(check(set({ hostname: "x.team.test" }, good)).state, "ok");
    assert.match(check(set({ hostname: "web.example.test" }, good)).cause ?? "", /older than the admission policy/);
    assert.equal(check(set({ hostname: "x.team.test", port: 80, protocol: "HTTP" }, good)).state, "failed");
    assert.match(check(set({ hostname: "x.team.test" })).cause ?? "", /reads ListenerSets from 1\.30/);
    const refused = [{ type: "Accepted", status: "False", message: "no" }];
    assert.equal(check(set({ hostname: "x.team.test" }, refused)).cause, "no");
  });
});
