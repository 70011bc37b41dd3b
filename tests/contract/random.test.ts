import assert from "node:assert/strict";
import { isSecret, unknown, type Plugin, type State } from "./support/plugin";
import { startPlugin } from "./support/suite";

describe("random", () => {
  let plugin: Plugin;
  before(async () => {
    plugin = await startPlugin("random");
  });
  after(() => plugin.stop());

  const password = () => plugin.resource("index/randomPassword:RandomPassword", "password");
  const textOf = ({ outputs }: State) => {
    assert.ok(isSecret(outputs.result));
    return String((outputs.result as { value: unknown }).value);
  };

  it("makes a secret password of letters, digits, and special characters if they are wanted", async () => {
    const [plain, special] = await Promise.all([
      password().create({ length: 200, special: false }),
      password().create({ length: 200, overrideSpecial: "_-" }),
    ]);
    assert.match(textOf(plain), /^[A-Za-z0-9]{200}$/);
    assert.match(textOf(special), /^[A-Za-z0-9_-]{200}$/);
    assert.match(textOf(special), /[_-]/);
    assert.equal(plain.id, "none");
    assert.deepEqual([plain.outputs.upper, plain.outputs.special, special.outputs.special], [true, false, true]);
  });

  it("keeps it while the inputs are the same, and makes another for others", async () => {
    const made = await password().create({ length: 20 });
    assert.equal((await password().diff(made, { length: 20 })).changes, false);
    const read = await password().read(made);
    assert.ok(read);
    assert.equal(textOf(read), textOf(made));
    assert.equal((await password().diff(read, { length: 20 })).changes, false);
    assert.deepEqual((await password().diff(made, { length: 21 })).replaces, ["length"]);
    assert.deepEqual((await password().diff(made, { length: 20, special: false })).replaces, ["special"]);
  });

  it("does not know it in a preview", async () => {
    const { outputs } = await password().create({ length: 20 }, { preview: true });
    assert.equal(textOf({ id: "", inputs: {}, outputs }), unknown);
  });
});
