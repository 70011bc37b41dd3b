/** The result of one check. */
export interface Row {
  /** What was checked, as a word: `redirect`, `certificate`. */
  readonly check: string;
  /** What must hold, as a phrase. */
  readonly what: string;
  readonly state: "ok" | "failed" | "skipped";
  /** What was seen. */
  readonly seen: string;
  /** Likely cause of a failure. */
  readonly cause?: string;
  /** Command that shows more. */
  readonly more?: string;
}

/** Why something failed, and a command that shows more. */
export type Diagnosis = Pick<Row, "cause" | "more">;

export function row(check: string, what: string, passed: boolean, seen: string, diagnosis?: Diagnosis): Row {
  return passed ? { check, what, state: "ok", seen } : { check, what, state: "failed", seen, ...diagnosis };
}

export function skipped(check: string, what: string, reason: string): Row {
  return { check, what, state: "skipped", seen: reason };
}

const MARKS = { ok: "ok  ", failed: "FAIL", skipped: "skip" } as const;
const COLOURS = { ok: 32, failed: 31, skipped: 33 } as const;

/** Rows for humans: mark, what must hold and what was seen in columns; a failure's cause and command below. */
export function table(rows: readonly Row[], colour: boolean): string {
  const width = Math.max(0, ...rows.map(({ what }) => what.length));
  const paint = (text: string, state: Row["state"]) => (colour ? `\x1b[${COLOURS[state]}m${text}\x1b[0m` : text);
  return rows
    .flatMap(({ what, state, seen, cause, more }) => [
      `  ${paint(MARKS[state], state)}  ${what.padEnd(width)}  ${seen}`,
      ...(cause === undefined ? [] : [`        ${cause}`]),
      ...(more === undefined ? [] : [`        more: ${more}`]),
    ])
    .join("\n");
}

/** `12 of 14 checks passed, 1 failed, 1 skipped` */
export function summary(rows: readonly Row[]): string {
  const count = (state: Row["state"]) => rows.filter((one) => one.state === state).length;
  const rest = (["failed", "skipped"] as const).filter((state) => count(state) > 0);
  return [`${count("ok")} of ${rows.length} checks passed`, ...rest.map((state) => `${count(state)} ${state}`)].join(
    ", ",
  );
}
