import fc from "fast-check";
import { seconds } from "../../../config/values/duration";

export type Values = Record<string, unknown>;

/** Draws values one after another; fast-check repeats them from their seed, and shrinks them if a run fails. */
export class Draw {
  constructor(private readonly generate: fc.GeneratorValue) {}

  /** An integer; the bounds come up often. */
  int(min: number, max: number): number {
    const place = this.generate(fc.nat, { max: 9 });
    return place === 9 ? max : place === 8 ? min : this.generate(fc.integer, { min, max });
  }

  /** True in that many out of 100 cases. */
  chance(percent: number): boolean {
    return this.generate(fc.nat, { max: 99 }) >= 100 - percent;
  }

  pick<T>(list: readonly T[]): T {
    const chosen = list[this.generate(fc.nat, { max: list.length - 1 })];
    if (chosen === undefined) {
      throw new Error("nothing to pick from");
    }
    return chosen;
  }

  maybe<T>(percent: number, make: () => T): T | undefined {
    return this.chance(percent) ? make() : undefined;
  }

  /** That many distinct values. Fewer if too few are drawn. */
  several<T>(min: number, max: number, make: () => T): T[] {
    const found = new Map<string, T>();
    const count = this.int(min, max);
    for (let tries = 0; found.size < count && tries < count * 4; tries++) {
      const value = make();
      found.set(JSON.stringify(value).toLowerCase(), value);
    }
    return [...found.values()];
  }

  /** Some of these keys, each with its chance; none whose value is undefined. */
  some(percent: number, fields: Readonly<Record<string, () => unknown>>): Values {
    const entries = Object.entries(fields).flatMap(([key, make]) =>
      this.chance(percent) ? [[key, make()] as const] : [],
    );
    return given(Object.fromEntries(entries));
  }

  /** The same, but at least one. */
  atLeastOne(percent: number, fields: Readonly<Record<string, () => unknown>>): Values {
    const values = this.some(percent, fields);
    const key = this.pick(Object.keys(fields));
    return Object.keys(values).length > 0 ? values : { [key]: fields[key]?.() };
  }

  /** A map of a few names to values; names differ not only in case. */
  map(min: number, max: number, name: () => string, value: () => unknown): Values {
    const names = this.several(min, max, name);
    return Object.fromEntries((names.length === 0 ? [name()] : names).map((key) => [key, value()]));
  }

  /** A DNS label: short, or of the maximum length. */
  label(max = 63): string {
    const parts = ["a", "b", "c", "web", "api", "x1", "stable", "canary", "redirect", "default", "9"];
    const text = this.several(1, 3, () => this.pick(parts)).join(this.chance(15) ? "--" : "-");
    return (this.chance(3) ? text.padEnd(max, "z") : text).slice(0, max).replace(/-+$/, "");
  }

  /** A label that starts with a letter and has no `--`. */
  name(max = 63): string {
    return `${this.pick(["s", "web", "api", "t-1"])}-${this.label(max).replaceAll("--", "-")}`
      .slice(0, max)
      .replace(/-+$/, "");
  }

  hostname(): string {
    return [this.label(), ...this.several(1, 2, () => this.label(20)), "test"].join(".");
  }

  /** Above 0. */
  duration(): string {
    return this.pick([
      "1ms",
      "500ms",
      "1s",
      "1500ms",
      "30s",
      "1m30s",
      "1h",
      "1s1m",
      "1m1m",
      "99999h",
      "0h1s",
      "1d",
      "1d12h30m",
    ]);
  }

  /** Whole seconds within bounds, in any form of a duration. */
  wholeSeconds(min: string, max: string): string {
    const count = this.int(seconds(min), seconds(max));
    return this.pick([
      min,
      max,
      `${Math.floor(count / 86_400)}d${Math.floor((count % 86_400) / 3600)}h${Math.floor((count % 3600) / 60)}m${count % 60}s`,
    ]);
  }

  /** A number of bytes within bounds, in any form of a size. */
  size(min: number, max: number): string | number {
    const count = this.int(min, max);
    const kibibytes = Math.floor(count / 1024);
    return this.pick([count, String(count), kibibytes * 1024 < min ? count : `${kibibytes}Ki`]);
  }

  /** The given value, or `false`. */
  orOff<T>(make: () => T): T | false {
    return this.chance(15) ? false : make();
  }

  header(underscores = false): string {
    const names = ["x-a", "X-B", "x-c.d", "X-User", "cookie", "authorization", "constructor", "x!#$&'*+-.^`|~"];
    return this.pick(underscores ? [...names, "x_under"] : names);
  }

  /** A text that is valid as an HTTP header value. */
  text(): string {
    return this.pick([
      "1",
      "a b",
      "100%",
      "%20%",
      "%%",
      '"q"',
      "*",
      "{}",
      "$1 ${",
      "a,b;c=d",
      "<&>'",
      "\\d",
      "x".repeat(300),
    ]);
  }

  port(): number {
    return this.int(1, 65_535);
  }
}

/** Without the keys whose value is undefined. */
export function given(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
