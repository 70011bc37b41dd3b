import { randomInt } from "node:crypto";
import { changedPaths, secret, serve, type Plugin } from "../server";

/** Stand-in for @pulumi/random 4.21.2, lab only: RandomPassword without minimum counts and without bcrypt. */
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

const plugin: Plugin = {
  version: "4.21.2",
  supportsPreview: false,
  check: ({ type }, _olds, news) => {
    if (type !== "random:index/randomPassword:RandomPassword") {
      throw new Error(`the lab's stand-in for random does not support ${type}`);
    }
    return news;
  },
  diff: (_resource, _olds, oldInputs, news) => ({
    changes: Object.fromEntries(changedPaths(oldInputs, news).map((path) => [path, { replace: true }])),
  }),
  create: (_resource, inputs) => {
    const special = inputs.special === false ? "" : ((inputs.overrideSpecial as string | undefined) ?? SPECIAL);
    const alphabet = LETTERS + special;
    const result = Array.from({ length: Number(inputs.length) }, () => alphabet[randomInt(alphabet.length)]).join("");
    return Promise.resolve({ id: "none", outputs: { ...inputs, result: secret(result) } });
  },
  update: (_resource, _id, olds) => Promise.resolve({ ...olds, result: secret(olds.result) }),
  read: (_resource, _id, outputs, inputs) =>
    Promise.resolve({ inputs, outputs: { ...outputs, result: secret(outputs.result) } }),
  delete: () => Promise.resolve(),
};

serve(plugin);
