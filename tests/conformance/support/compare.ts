import type { Difference, Level, Profile } from "../expected";

interface Outcome {
  readonly statistics: { readonly Passed: number; readonly Failed: number; readonly Skipped: number };
  readonly failedTests?: readonly string[];
  readonly skippedTests?: readonly string[];
  readonly supportedFeatures?: readonly string[];
}

/** The suite's report. https://gateway-api.sigs.k8s.io/geps/gep-1709/ */
export interface Report {
  readonly profiles: readonly ({ readonly name: string } & { readonly [level in Level]?: Outcome })[];
  readonly succeededProvisionalTests?: readonly string[];
}

export interface Expected {
  readonly published: Readonly<Record<string, Profile>>;
  readonly provisional: readonly string[];
  readonly differences: Readonly<Record<string, Difference>>;
}

const LEVELS: readonly Level[] = ["core", "extended"];
const NOTHING: Outcome = { statistics: { Passed: 0, Failed: 0, Skipped: 0 } };

function outcomeOf({ profiles }: Report, profile: string, level: Level): Outcome {
  return profiles.find(({ name }) => name === profile)?.[level] ?? NOTHING;
}

/** What a report has besides what is expected, and what it lacks; one line for each. */
export function compare(report: Report, { published, provisional, differences }: Expected): string[] {
  const lines: string[] = [];
  const same = (what: string, found: readonly string[], wanted: readonly string[]) => {
    lines.push(
      ...found.filter((name) => !wanted.includes(name)).map((name) => `${what}: ${name} is not expected`),
      ...wanted.filter((name) => !found.includes(name)).map((name) => `${what}: ${name} is expected`),
    );
  };
  const names = Object.keys(published);
  same(
    "profiles",
    report.profiles.map(({ name }) => name),
    names,
  );
  for (const name of names) {
    for (const level of LEVELS) {
      const outcome = outcomeOf(report, name, level);
      const own = Object.entries(differences).filter(([, it]) => it.level === level && it.profiles.includes(name));
      const withResult = (result: string) => own.filter(([, it]) => it.result === result).map(([test]) => test);
      same(`${name} ${level}, failed`, outcome.failedTests ?? [], withResult("failed"));
      same(`${name} ${level}, skipped`, outcome.skippedTests ?? [], withResult("skipped"));
      const wanted = (published[name]?.[level] ?? 0) - own.length;
      if (outcome.statistics.Passed !== wanted) {
        lines.push(`${name} ${level}: ${outcome.statistics.Passed} tests passed, expected ${wanted}`);
      }
    }
    same(
      `${name}, extended features`,
      outcomeOf(report, name, "extended").supportedFeatures ?? [],
      published[name]?.features ?? [],
    );
  }
  same(
    "provisional tests that passed",
    report.succeededProvisionalTests ?? [],
    provisional.filter((test) => !(test in differences)),
  );
  return lines;
}

/** The report beside what Istio published, and why they differ. */
export function table(report: Report, { published, differences }: Expected): string {
  const cells = (row: readonly (string | number)[]) =>
    row.map((cell, column) => (column === 0 ? String(cell).padEnd(24) : String(cell).padStart(10))).join("");
  const rows = Object.entries(published).flatMap(([name, profile]) =>
    LEVELS.map((level) => {
      const { Passed, Failed, Skipped } = outcomeOf(report, name, level).statistics;
      return cells([`${name} ${level}`, profile[level], Passed, Failed, Skipped]);
    }),
  );
  const reasons = Object.entries(differences).map(([test, { result, reason }]) => `${test} ${result}: ${reason}`);
  return [cells(["", "Istio's", "passed", "failed", "skipped"]), ...rows, ...reasons].join("\n");
}
