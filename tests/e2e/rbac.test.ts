import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { auditLog, kubeconfigPath } from "../../lab/controlPlane";
import { labPath } from "../../lab/state";
import { deployerRbac, deployerRoles, destroyerRbac, type PolicyRule, type Role } from "../../scripts/deployerRbac";
import { emittedObjects, type EmittedObject } from "../../emit/objects";
import { prepare, pulumi, theLab, writeStack, type Values } from "./support/lab";

const STACK = "rbac";
const NAMESPACE = "rbac-system";
const IDENTITY = { name: "rbac-deployer", namespace: NAMESPACE };
const USER = `system:serviceaccount:${NAMESPACE}:${IDENTITY.name}`;
const KUBECONFIG = labPath("rbac.kubeconfig");

/** Config for one object of every kind that the program creates. */
const values = (timeout: string): Values => ({
  domain: "rbac.test",
  gateway: { name: "rbac", namespace: NAMESPACE, address: "192.168.51.122" },
  mtls: { strictNamespaces: ["rbac-apps"] },
  services: [
    {
      name: "web",
      namespace: "rbac-apps",
      port: "http",
      backends: [{ service: "far", namespace: "rbac-far" }],
      timeouts: { request: timeout },
      rateLimit: { type: "local", requests: 100, per: "second" },
      trafficPolicy: { connections: { maxConnections: 10 } },
    },
  ],
});

interface AuditEvent {
  readonly user: { readonly username: string };
  readonly verb: string;
  readonly objectRef?: { resource: string; namespace?: string; name?: string; apiGroup?: string };
  readonly responseStatus?: { code?: number };
}

/** Resources that the roles grant by object name. */
const NAMED = ["secrets", "customresourcedefinitions", "services"];

/** `VERB GROUP/RESOURCE NAMESPACE [NAME]`: a right, as a role grants it or a request needs it. */
type Right = string;

function rightsOf({ metadata: { namespace = "" }, rules }: Role): Right[] {
  return rules.flatMap(({ apiGroups, resources, resourceNames = [""], verbs }) =>
    verbs.flatMap((verb) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          resourceNames.map((name) => `${verb} ${group}/${resource} ${namespace} ${name}`.trim()),
        ),
      ),
    ),
  );
}

/** What the identity did, with object names only where the roles have them. */
function recordedRights(since: number): Right[] {
  const events = readFileSync(auditLog(), "utf8")
    .slice(since)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ user, responseStatus }) => user.username === USER && (responseStatus?.code ?? 0) !== 403);
  const rights = events.flatMap(({ verb, objectRef, responseStatus }) => {
    if (objectRef?.resource === undefined) {
      return [];
    }
    const { resource, apiGroup = "" } = objectRef;
    const { namespace = "" } = objectRef;
    const named = NAMED.includes(resource) ? (objectRef.name ?? "") : "";
    const right = (what: string, name: string) => `${what} ${apiGroup}/${resource} ${namespace} ${name}`.trim();
    // `create` cannot be granted by name. An apply that creates the object needs it too.
    const isCreation = verb === "create" || responseStatus?.code === 201;
    return [...(verb === "create" ? [] : [right(verb, named)]), ...(isCreation ? [right("create", "")] : [])];
  });
  return [...new Set(rights)].sort();
}

describe("rbac", function () {
  this.timeout(300_000);
  let objects: EmittedObject[];
  /** End of the audit log before the first request. */
  let start = 0;
  const apply = (items: readonly unknown[]) =>
    theLab().kubectl(
      ["apply", "--server-side", "--force-conflicts", "-f", "-"],
      JSON.stringify({ apiVersion: "v1", kind: "List", items }),
    );
  const run = (...command: string[]) => pulumi(STACK, command, { KUBECONFIG });
  const ok = async (...command: string[]) => {
    const { code, stdout, stderr } = await run(...command);
    assert.equal(code, 0, `pulumi ${command.join(" ")}:\n${stdout}\n${stderr}`);
  };
  const up = ["up", "--yes", "--skip-preview"] as const;
  const destroy = ["destroy", "--yes", "--skip-preview"] as const;

  before(async () => {
    // With `adopt`, each object is created by the patch that later changes it.
    objects = await emittedObjects(await prepare(STACK, { ...values("10s"), adopt: true }));
    await apply(deployerRbac(objects, IDENTITY));
    start = readFileSync(auditLog(), "utf8").length;
    const token = await theLab().kubectl(["create", "token", IDENTITY.name, "-n", NAMESPACE, "--duration", "1h"]);
    const admin = JSON.parse(readFileSync(kubeconfigPath(), "utf8")) as object;
    const users = [{ name: "lab", user: { token: token.trim() } }];
    writeFileSync(KUBECONFIG, JSON.stringify({ ...admin, users }), { mode: 0o600 });
  });
  after(async () => {
    // Removes as the administrator what the deployer could not.
    await pulumi(STACK, ["destroy", "--yes", "--skip-preview"]);
    await theLab().output(["pulumi", "stack", "rm", STACK, "--yes", "--force", "--non-interactive"]);
  });

  it("is enough to deploy, change and refresh", async () => {
    await ok(...up);
    await ok(...up, "--expect-no-changes");
    await theLab().take(STACK, writeStack(STACK, values("20s")));
    await ok("up", "--yes");
    await ok("refresh", "--yes", "--skip-preview");
  });

  it("grants nothing else: no other Secret, no pod, no other namespace", async () => {
    const refused = async (...command: string[]) => {
      const { code, stderr } = await theLab().run(["kubectl", ...command], { env: { KUBECONFIG } });
      assert.notEqual(code, 0, command.join(" "));
      assert.match(stderr, /forbidden/i);
    };
    await refused("get", "secret", "istio-ca-secret", "-n", "istio-system");
    await refused("get", "secrets", "-n", NAMESPACE);
    await refused("get", "secret", "other", "-n", NAMESPACE);
    await refused("delete", "namespace", "rbac-apps");
    await refused("label", "namespace", NAMESPACE, "a=b");
    await refused("get", "pods", "-n", "rbac-apps");
    await refused("get", "httproutes", "-n", "rbac-far");
    await refused("get", "gateways", "-A");
  });

  it("is enough to destroy, with the role for that", async () => {
    await apply(destroyerRbac(objects, IDENTITY));
    await ok(...destroy);
  });

  it("grants no more than what was used", () => {
    const toDestroy = ["list", "watch"].map((verb) => `${verb} /secrets ${NAMESPACE}`);
    const given = [...deployerRoles(objects, IDENTITY.name).flatMap(rightsOf), ...toDestroy].sort();
    // The official provider also watches events, where it may.
    const used = recordedRights(start).filter((right) => !right.includes("/events"));
    assert.deepEqual(used, given);
  });

  /** The roles without one verb of one resource, and of those that share its rule. */
  const without = (verb: string, resource: string) => {
    const cut = (rule: PolicyRule): PolicyRule =>
      rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter((other) => other !== verb) } : rule;
    return deployerRoles(objects, IDENTITY.name).map((role) => ({
      ...role,
      rules: role.rules.map(cut).filter(({ verbs }) => verbs.length > 0),
    }));
  };

  it("cannot create a Gateway or a route: the preview lists them, and changes nothing", async () => {
    await ok(...destroy);
    await theLab().take(STACK, writeStack(STACK, values("10s")));
    await apply(without("create", "httproutes"));
    try {
      const { code, stdout, stderr } = await run("up", "--yes");
      assert.notEqual(code, 0);
      assert.match(
        stdout + stderr,
        /3 new objects cannot be created, nothing was changed:\s+Gateway rbac-system\/rbac\s+HTTPRoute rbac-apps\/web\.rbac\.rbac-system\s+HTTPRoute rbac-system\/rbac--https-redirect/,
      );
      assert.doesNotMatch(stdout + stderr, /Updating/);
    } finally {
      await apply(deployerRoles(objects, IDENTITY.name));
    }
  });

  for (const { verb, resource, to, command } of [
    { verb: "create", resource: "secrets", to: "10s", command: up },
    { verb: "patch", resource: "httproutes", to: "20s", command: up },
    { verb: "delete", resource: "gateways", to: "10s", command: destroy },
  ] as const) {
    it(`fails without ${verb} on ${resource}, and says so`, async () => {
      // Starts clean: an object left by an earlier refused update would hide the next refusal.
      await ok(...destroy);
      if (verb !== "create") {
        await theLab().take(STACK, writeStack(STACK, values("10s")));
        await ok(...up);
      }
      await theLab().take(STACK, writeStack(STACK, values(to)));
      await apply(without(verb, resource));
      try {
        const { code, stdout, stderr } = await run(...command);
        assert.notEqual(code, 0);
        assert.match(stdout + stderr, new RegExp(`${resource}.* is forbidden.*cannot ${verb} resource`));
      } finally {
        await apply(deployerRoles(objects, IDENTITY.name));
      }
    });
  }
});
