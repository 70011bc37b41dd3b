import assert from "node:assert/strict";
import { CLIENT_OUTSIDE } from "../../lab/addresses";
import { request } from "../../lab/probe";
import { deploy, destroy, prepare, pulumiOk, theLab } from "./support/lab";

const NAMESPACE = "order";

/** Every kind of guard, on two services. */
const STACK = {
  domain: "order.test",
  gateway: { name: "order", namespace: NAMESPACE, address: "192.168.51.120", clientAddress: { trustedProxies: 0 } },
  services: ["one", "two"].map((name) => ({
    name,
    namespace: NAMESPACE,
    port: 8080,
    access: { allow: ["192.168.0.0/16"], externalAuthorization: { provider: "lab-authorizer" } },
    rateLimit: { type: "local", requests: 100, per: "second" },
    limits: { maxRequestSize: "1Mi" },
    trafficPolicy: { connections: { maxConnections: 100 } },
  })),
};

/** Objects of the gateway's namespace as etcd keeps them: RESOURCE/NAME in the order in which the API server created them. */
async function created(): Promise<string[]> {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const body = { key: base64("/registry/"), range_end: base64("/registry0"), keys_only: true };
  const answer = await theLab().output([
    "curl",
    "-sf",
    "http://127.0.0.1:2379/v3/kv/range",
    "-d",
    JSON.stringify(body),
  ]);
  const { kvs } = JSON.parse(answer) as { kvs: { key: string; create_revision: string }[] };
  return kvs
    .map(({ key, create_revision: revision }) => ({
      key: Buffer.from(key, "base64").toString(),
      revision: Number(revision),
    }))
    .filter(({ key }) =>
      new RegExp(`/(envoyfilters|httproutes|authorizationpolicies|destinationrules)/${NAMESPACE}/`).test(key),
    )
    .sort((a, b) => a.revision - b.revision)
    .map(({ key }) =>
      key
        .split("/")
        .slice(-3)
        .filter((part) => part !== NAMESPACE)
        .join("/"),
    );
}

interface Answer {
  status: number;
  backend: string | undefined;
}

/** What a client that may not enter is answered while something changes. */
async function knockDuring(change: () => Promise<unknown>, host: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  const update = { done: false };
  const knocking = (async () => {
    const end = Date.now() + 120_000;
    while (!update.done && Date.now() < end) {
      const { status, headers } = await request(theLab(), `https://${host}/`, { from: CLIENT_OUTSIDE });
      answers.push({ status, backend: headers["x-backend"] });
    }
  })();
  await change().finally(() => (update.done = true));
  await knocking;
  return answers;
}

function assertNeverIn(answers: readonly Answer[]): void {
  assert.ok(answers.length > 0);
  assert.deepEqual(
    answers.filter(({ status, backend }) => backend !== undefined || ![0, 403, 404].includes(status)),
    [],
  );
}

describe("the order in which objects are created and deleted", function () {
  this.timeout(180_000);
  let answers: Answer[];

  before(async () => {
    await prepare("order", STACK);
    answers = await knockDuring(() => deploy("order", STACK), "one.order.test");
  });
  after(() => destroy("order"));

  it("has every guard before the first route", async () => {
    const order = await created();
    const routes = order.filter((object) => object.startsWith("httproutes/") && !object.endsWith("--https-redirect"));
    assert.deepEqual([...routes].sort(), ["httproutes/one.order.order", "httproutes/two.order.order"]);
    const guards = [
      "authorizationpolicies/order--external-authorization",
      "destinationrules/order--one.order",
      "destinationrules/order--two.order",
      "envoyfilters/order--access",
      "envoyfilters/order--access-scope",
      "envoyfilters/order--credentials",
      "envoyfilters/order--hardening",
      "envoyfilters/order--limits",
      "envoyfilters/order--local-rate-limit",
      "envoyfilters/order--retry",
      "envoyfilters/order--route-keys",
      "envoyfilters/order--tls-parameters",
    ];
    const first = Math.min(...routes.map((route) => order.indexOf(route)));
    assert.deepEqual(
      order
        .slice(0, first)
        .filter((object) => guards.includes(object))
        .sort(),
      guards,
    );
  });

  it("lets nobody in who may not enter, at no moment of the update", () => {
    assertNeverIn(answers);
  });

  it("keeps that order when a service is added", async () => {
    await deploy("order", {
      ...STACK,
      services: [...STACK.services, { ...STACK.services[0], name: "three", fault: { abort: { status: 503 } } }],
    });
    const order = await created();
    const place = (object: string) => order.indexOf(object);
    // Nothing waits for the Gateway in this update: only the order of the resources can bring it about.
    assert.ok(place("envoyfilters/order--fault") >= 0);
    assert.ok(place("httproutes/three.order.order") > place("envoyfilters/order--fault"));
    await pulumiOk("order", ["up", "--yes", "--skip-preview", "--expect-no-changes"]);
  });

  it("lets nobody in while a guarded service is removed, or the last one", async () => {
    const removing = { ...STACK, services: STACK.services.filter(({ name }) => name !== "two") };
    assertNeverIn(await knockDuring(() => deploy("order", removing), "two.order.test"));
    const open = { ...STACK, services: [{ name: "one", namespace: NAMESPACE, port: 8080 }] };
    const guarded = { ...STACK, services: [...open.services, ...STACK.services.filter(({ name }) => name === "two")] };
    await deploy("order", guarded);
    assertNeverIn(await knockDuring(() => deploy("order", open), "two.order.test"));
  });
});
