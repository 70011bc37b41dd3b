import { randomInt } from "node:crypto";
import { changedInputs, secret, serve, UNKNOWN, type Plugin, type Properties } from "../server";

/** Stand-in for @pulumi/random 4.21.2, lab only: RandomPassword without minimum counts and without bcrypt. */
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = "abcdefghijklmnopqrstuvwxyz";
const NUMERIC = "0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

/** Outputs for inputs that are not given. */
const DEFAULTS = {
  upper: true,
  lower: true,
  numeric: true,
  number: true,
  special: true,
  minUpper: 0,
  minLower: 0,
  minNumeric: 0,
  minSpecial: 0,
};

const INPUTS = ["length", "upper", "lower", "numeric", "special", "overrideSpecial", "keepers"];

function password({ length, upper, lower, numeric, special, overrideSpecial = SPECIAL }: Properties): string {
  const sets: [unknown, string][] = [
    [upper, UPPER],
    [lower, LOWER],
    [numeric, NUMERIC],
    [special, String(overrideSpecial)],
  ];
  const alphabet = sets.flatMap(([isIn, letters]) => (isIn === true ? [letters] : [])).join("");
  return Array.from({ length: Number(length) }, () => alphabet[randomInt(alphabet.length)]).join("");
}

const plugin: Plugin = {
  version: "4.21.2",
  supportsPreview: true,
  acceptSecrets: false,
  check: ({ type }, _olds, news) => {
    const unknown = Object.keys(news).filter((key) => !INPUTS.includes(key));
    if (type !== "random:index/randomPassword:RandomPassword" || unknown.length > 0) {
      throw new Error(`the lab's stand-in for random does not support ${[type, ...unknown].join(" ")}`);
    }
    return news;
  },
  diff: (_resource, _olds, oldInputs, news) => ({
    changes: changedInputs({ ...DEFAULTS, ...oldInputs }, { ...DEFAULTS, ...news }, () => true),
  }),
  create: ({ inputs, preview }) => {
    const known = { ...DEFAULTS, ...inputs };
    const result = secret(preview ? UNKNOWN : password(known));
    return Promise.resolve({ id: "none", outputs: { ...known, result } });
  },
  update: ({ olds }) => Promise.resolve({ ...olds, result: secret(olds.result) }),
  read: (_resource, _id, outputs, inputs) =>
    Promise.resolve({ inputs, outputs: { ...outputs, result: secret(outputs.result) } }),
  delete: () => Promise.resolve(),
};

serve(plugin);
