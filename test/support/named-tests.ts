/** Documents that name tests: rows of tables whose last cell holds references such as `` `file` › title ``. */

export interface Reference {
  readonly file: string;
  readonly title: string;
}

/** The cells of every row of a document's tables, without the rules under the heads. A bar in a cell is written `\|`. */
export function rowsOf(markdown: string): readonly (readonly string[])[] {
  return markdown
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| *:?-+/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    );
}

/** References are divided by `; `. What is none has an empty file. */
export function referencesIn(cell: string): readonly Reference[] {
  return cell.split(/; (?=`)/).map((reference) => {
    const [, file = "", title = ""] = /^`([\w./-]+)` › (.+)$/.exec(reference) ?? [];
    return { file, title };
  });
}

/** A title is the whole of a text in the source, in whichever quotes. */
export function hasText(source: string, title: string): boolean {
  return ['"', "'", "`"].some((quote) => source.includes(quote + title + quote));
}

/** The title is the first argument of a test, or of a group of tests, and nothing that merely reads like it. */
export function hasTest(source: string, title: string): boolean {
  return ['"', "'", "`"].some((quote) => {
    const text = quote + title + quote;
    for (let at = source.indexOf(text); at >= 0; at = source.indexOf(text, at + 1)) {
      const before = source.slice(0, at).trimEnd();
      const after = source.slice(at + text.length).trimStart();
      if (after.startsWith(",") && isTestCall(before)) return true;
    }
    return false;
  });
}

/** `test(`, or a call of what `test.each(…)`, `describe.runIf(…)` and their like return. */
function isTestCall(before: string): boolean {
  return /\b(test|it|describe)(\.\w+)*\($|\)\($/.test(before);
}
