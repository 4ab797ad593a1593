/** What is wrong with a configuration: one sentence each, with the place, so that all can be told at once. */

export interface Problem {
  /** `/etc/quorate.yaml:12:3`, `QUORATE_NODE`, `--node`; null when no source says anything. */
  readonly place: string | null;
  /** Line and column in the file, from 1; null for other places. */
  readonly line: number | null;
  readonly column: number | null;
  /** Dotted path of the setting; null when the source as a whole cannot be read. */
  readonly setting: string | null;
  /** What was expected, and what came. */
  readonly message: string;
  /** What to do, as an imperative or a question; null when the message says it. */
  readonly suggestion: string | null;
  /** Nothing is wrong yet: another source or another machine may bring what is not here. */
  readonly missing: boolean;
}

/** Where something stands. */
export type Place = Pick<Problem, "place" | "line" | "column">;

export const nowhere: Place = { place: null, line: null, column: null };

export function problem(
  place: Place,
  setting: string | null,
  message: string,
  more: { readonly suggestion?: string | null; readonly missing?: boolean } = {},
): Problem {
  const { suggestion = null, missing = false } = more;
  return {
    place: place.place,
    line: place.line,
    column: place.column,
    setting,
    message,
    suggestion,
    missing,
  };
}

/** `file:line:column: setting: expected this, got that; did you mean the other?` */
export function problemText({ place, setting, message, suggestion }: Problem): string {
  const where = [place, setting].filter((part) => part !== null);
  return `${[...where, message].join(": ")}${suggestion === null ? "" : `; ${suggestion}`}`;
}
