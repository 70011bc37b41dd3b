import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadStackFile } from "../../config/load/stackFile";
import { deployerRbac, deployerRoles, destroyerRbac, resourceOf, type Role } from "../../scripts/deployerRbac";
import { emittedObjects, type EmittedObject } from "../../emit/objects";
import { stackRbac } from "../../scripts/rbac";

const ROOT = join(__dirname, "..", "..");

/** Whether one of the roles grants a verb on an object. */
function allows(roles: readonly Role[], verb: string, { group, kind, name, namespace }: EmittedObject): boolean {
  return roles
    .filter((role) => role.metadata.namespace === namespace)
    .flatMap(({ rules }) => rules)
    .some(
      (rule) =>
        rule.verbs.includes(verb) &&
        rule.apiGroups.includes(group) &&
        rule.resources.includes(resourceOf(kind)) &&
        (rule.resourceNames?.includes(name) ?? true),
    );
}

const secret: EmittedObject = { group: "", kind: "Secret", name: "tls", namespace: "one" };
const crd: EmittedObject = {
  group: "apiextensions.k8s.io",
  kind: "CustomResourceDefinition",
  name: "some",
  read: true,
};
const identity = { name: "deployer", namespace: "one" };

describe("scripts/rbac", () => {
  for (const stack of ["dev", "prod"]) {
    it(`covers every object of ${stack}`, async () => {
      const objects = await emittedObjects(loadStackFile(join(ROOT, `Pulumi.${stack}.yaml`)));
      assert.ok(objects.length > 5);
      const roles = deployerRoles(objects, "deployer");
      for (const object of objects) {
        const verbs = object.read === true ? ["get"] : ["create", "get", "patch", "delete"];
        for (const verb of verbs) {
          assert.ok(allows(roles, verb, object), `${verb} ${object.group}/${object.kind} ${object.name}`);
        }
        assert.equal(allows(roles, "list", object), verbs.length === 4 && object.kind !== "Secret", object.kind);
        assert.equal(allows(roles, "patch", object), object.read !== true, object.kind);
        assert.ok(!allows(roles, "*", object) && !allows(roles, "deletecollection", object));
      }
    });
  }

  it("is up to date for dev (npm run generate)", async () => {
    const file = readFileSync(join(ROOT, "deploy", "rbac.dev.yaml"), "utf8");
    assert.equal(await stackRbac(join(ROOT, "Pulumi.dev.yaml")), file);
  });

  it("quotes what kubectl would take for something else than a text", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rbac-"));
    try {
      const file = join(folder, "Pulumi.yes.yaml");
      writeFileSync(file, 'config:\n  domain: a.b\n  services: [{ name: web, namespace: "no" }]\n');
      const manifests = await stackRbac(file);
      assert.match(manifests, /namespace: "no"$/m);
      assert.doesNotMatch(manifests, /namespace: no$/m);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("grants access to Secrets, and to the CRD that is read, only by name", () => {
    const roles = deployerRoles([secret, crd], "deployer");
    assert.deepEqual(
      roles.map(({ kind, metadata, rules }) => [kind, metadata.namespace, rules]),
      [
        [
          "Role",
          "one",
          [
            { apiGroups: [""], resources: ["secrets"], resourceNames: ["tls"], verbs: ["delete", "get", "patch"] },
            { apiGroups: [""], resources: ["secrets"], verbs: ["create"] },
          ],
        ],
        [
          "ClusterRole",
          undefined,
          [
            {
              apiGroups: ["apiextensions.k8s.io"],
              resources: ["customresourcedefinitions"],
              resourceNames: ["some"],
              verbs: ["get"],
            },
          ],
        ],
      ],
    );
  });

  it("binds each role to the one ServiceAccount", () => {
    const kinds = deployerRbac([secret, crd], identity).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]);
  });

  it("lets a destroy list Secrets only if the stack creates one", () => {
    assert.deepEqual(
      destroyerRbac([secret, crd], identity).map(({ kind }) => kind),
      ["Role", "RoleBinding"],
    );
    assert.deepEqual(destroyerRbac([crd], identity), []);
  });

  it("lets the provider watch what it waits for", () => {
    const deployment = { group: "apps", kind: "Deployment", name: "redis", namespace: "one" };
    const pod = { group: "", kind: "Pod", name: "any", namespace: "one" };
    const roles = deployerRoles([deployment], "deployer");
    assert.ok(allows(roles, "watch", pod) && !allows(roles, "get", pod));
  });

  it("lets a Service that is only read be read by name, and a refresh see whether it is ready", () => {
    const services = ["web", "copy"].map((name) => ({
      group: "",
      kind: "Service",
      name,
      namespace: "one",
      read: true,
    }));
    assert.deepEqual(deployerRoles(services, "deployer")[0]?.rules, [
      { apiGroups: [""], resources: ["endpoints"], verbs: ["list"] },
      { apiGroups: [""], resources: ["services"], resourceNames: ["copy", "web"], verbs: ["get"] },
    ]);
  });

  it("knows the API's plural names", () => {
    assert.deepEqual(
      ["Gateway", "HTTPRoute", "PeerAuthentication", "Telemetry", "BackendTLSPolicy", "Ingress"].map(resourceOf),
      ["gateways", "httproutes", "peerauthentications", "telemetries", "backendtlspolicies", "ingresses"],
    );
  });
});
