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
      port: 8080,
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
const NAMED = ["secrets", "namespaces", "customresourcedefinitions"];

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
    // To the API server, a Namespace is in itself.
    const namespace = resource === "namespaces" ? "" : (objectRef.namespace ?? "");
    const named = NAMED.includes(resource) ? (objectRef.name ?? "") : "";
    const right = (what: string, name: string) => `${what} ${apiGroup}/${resource} ${namespace} ${name}`.trim();
    // An apply that creates the object also needs `create`.
    return responseStatus?.code === 201 ? [right(verb, named), right("create", "")] : [right(verb, named)];
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
    objects = await emittedObjects(await prepare(STACK, values("10s")));
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
    const isStandIn = theLab().tools.standIns.includes("kubernetes");
    const given = deployerRoles(objects, IDENTITY.name, !isStandIn).flatMap(rightsOf).sort();
    const used = recordedRights(start);
    assert.ok(used.length > 20, used.join("\n"));
    if (isStandIn) {
      assert.deepEqual(used, given);
    } else {
      const all = [...given, ...["list", "watch"].map((verb) => `${verb} /secrets ${NAMESPACE}`)];
      assert.deepEqual(
        used.filter((right) => !all.includes(right) && !right.includes("/events")),
        [],
      );
    }
  });

  /** The roles without one verb of one resource. */
  const without = (verb: string, resource: string) => {
    const cut = (rule: PolicyRule): PolicyRule =>
      rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter((other) => other !== verb) } : rule;
    return deployerRoles(objects, IDENTITY.name).map((role) => ({
      ...role,
      rules: role.rules.map(cut).filter(({ verbs }) => verbs.length > 0),
    }));
  };

  for (const { verb, resource, command } of [
    { verb: "create", resource: "secrets", command: up },
    { verb: "patch", resource: "namespaces", command: up },
    { verb: "delete", resource: "httproutes", command: destroy },
  ] as const) {
    it(`fails without ${verb} on ${resource}, and says so`, async () => {
      // Starts clean: an object left by an earlier refused update would hide the next refusal.
      await ok(...destroy);
      if (command === destroy) {
        await ok(...up);
      }
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
