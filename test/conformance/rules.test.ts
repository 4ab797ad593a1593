/** The list of rules in this folder's README names tests that exist. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { hasText, type Reference, referencesIn, rowsOf } from "../support/named-tests.js";

const folder = dirname(fileURLToPath(import.meta.url));
const readme = readFileSync(join(folder, "README.md"), "utf8");

const rows = rowsOf(readme).filter(([first = ""]) => !/^(Rule|Feature|Attack|Name)$/.test(first));

const files = new Map(
  rows.flatMap(([name = "", link = ""]): [string, string][] => {
    const path = /^\[.*\]\((.*)\)$/.exec(link)?.[1];
    return path === undefined ? [] : [[name.replaceAll("`", ""), join(folder, path)]];
  }),
);
const rules = rows.filter(([, link = ""]) => !link.startsWith("["));

function exists({ file, title }: Reference): boolean {
  const path = files.get(file);
  return path !== undefined && existsSync(path) && hasText(readFileSync(path, "utf8"), title);
}

describe("the list of rules", () => {
  test("is there", () => {
    expect(rules.length).toBeGreaterThan(80);
    expect(files.size).toBeGreaterThan(20);
  });

  test.each(rules.map((cells) => [cells[0] ?? "", cells.at(-1) ?? ""] as const))("%s", (_rule, cell) => {
    expect(referencesIn(cell).filter((named) => !exists(named))).toEqual([]);
  });

  test("notices a test that is not there", () => {
    expect(exists({ file: "guard", title: "two roots" })).toBe(true);
    expect(exists({ file: "guard", title: "two root" })).toBe(false);
    expect(exists({ file: "nothing", title: "two roots" })).toBe(false);
    expect(referencesIn("`guard` › a; `text` › b: c")).toEqual([
      { file: "guard", title: "a" },
      { file: "text", title: "b: c" },
    ]);
  });
});
