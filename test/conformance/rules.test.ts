/** The list of rules in this folder's README names tests that exist. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const folder = dirname(fileURLToPath(import.meta.url));
const readme = readFileSync(join(folder, "README.md"), "utf8");

/** The cells of every row of the README's tables, without heads and rules. */
const rows = readme
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| *(Rule|Feature|Name|-+) *\|/.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll("\\|", "|")),
  );

const files = new Map(
  rows.flatMap(([name = "", link = ""]): [string, string][] => {
    const path = /^\[.*\]\((.*)\)$/.exec(link)?.[1];
    return path === undefined ? [] : [[name.replaceAll("`", ""), join(folder, path)]];
  }),
);
const rules = rows.filter(([, link = ""]) => !link.startsWith("["));

interface Named {
  readonly file: string;
  readonly title: string;
}

function namedIn(cell: string): readonly Named[] {
  return cell.split("; ").map((reference) => {
    const [, file = "", title = ""] = /^`([\w-]+)` › (.+)$/.exec(reference) ?? [];
    return { file, title };
  });
}

/** A title is the whole of a text in the source, in whichever quotes. */
function exists({ file, title }: Named): boolean {
  const path = files.get(file);
  if (path === undefined || !existsSync(path)) return false;
  const source = readFileSync(path, "utf8");
  return ['"', "'", "`"].some((quote) => source.includes(quote + title + quote));
}

describe("the list of rules", () => {
  test("is there", () => {
    expect(rules.length).toBeGreaterThan(80);
    expect(files.size).toBeGreaterThan(20);
  });

  test.each(rules.map((cells) => [cells[0] ?? "", cells.at(-1) ?? ""] as const))("%s", (_rule, cell) => {
    expect(namedIn(cell).filter((named) => !exists(named))).toEqual([]);
  });

  test("notices a test that is not there", () => {
    expect(exists({ file: "guard", title: "two roots" })).toBe(true);
    expect(exists({ file: "guard", title: "two root" })).toBe(false);
    expect(exists({ file: "nothing", title: "two roots" })).toBe(false);
    expect(namedIn("`guard` › a; `text` › b: c")).toEqual([
      { file: "guard", title: "a" },
      { file: "text", title: "b: c" },
    ]);
  });
});
