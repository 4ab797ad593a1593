/** The list of pitfalls and scenarios beside the Raft package is complete, and names tests that exist. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasTest, type Reference, referencesIn, rowsOf } from "../support/named-tests.js";
import { projectRoot } from "../support/project-root.js";

const raft = join(projectRoot, "packages/raft");
const document = readFileSync(join(raft, "EVIDENCE.md"), "utf8");

const folders = new Map(
  rowsOf(document).flatMap(([name = "", link = ""]): [string, string][] => {
    const path = /^\[.*\]\((.*)\)$/.exec(link)?.[1];
    return path === undefined ? [] : [[name.replaceAll("`", ""), join(raft, path)]];
  }),
);

/** The rows with a number under a heading, up to the next one. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const section = document.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  return rowsOf(section).filter(([number = ""]) => /^\d+$/.test(number));
}

function sourceOf(file: string): string | null {
  const folder = folders.get(`${file.split("/")[0]}/`);
  if (folder === undefined) return null;
  const path = join(folder, file.slice(file.indexOf("/") + 1));
  const found = [`${path}.test.ts`, `${path}.ts`].find((candidate) => existsSync(candidate));
  return found === undefined ? null : readFileSync(found, "utf8");
}

function exists({ file, title }: Reference): boolean {
  const source = sourceOf(file);
  return source !== null && hasTest(source, title);
}

describe.each([
  { heading: "Pitfalls", count: 53 },
  { heading: "Scenarios", count: 56 },
])("$heading", ({ heading, count }) => {
  const rows = rowsUnder(heading);

  test("have every number once, in order", () => {
    expect(rows.map(([number]) => Number(number))).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  });

  test.each(rows)("%s %s", (_number, rule, source, tests = "") => {
    expect([rule, source]).not.toContain("");
    const missing = referencesIn(tests).filter((reference) => !exists(reference));
    expect(missing).toEqual([]);
  });
});

describe("the list", () => {
  test("notices a test that is not there, or only looks like one", () => {
    const source = [
      'test("a", () => {});',
      'it.each([1])("b %i", (n) => {',
      'describe.each(["x"] as const)(\n  "c",\n  () => {});',
      'expect("d", "e");',
      "it(`f`, () => {});",
      '// a test called "g"',
    ].join("\n");
    const found = ["a", "b %i", "c", "d", "e", "f", "g", "b"].filter((title) => hasTest(source, title));
    expect(found).toEqual(["a", "b %i", "c", "f"]);
    expect(exists({ file: "core/votes", title: "S2" })).toBe(false);
    expect(exists({ file: "nowhere/votes", title: "S2" })).toBe(false);
    expect(referencesIn("`core/a` › one; two; `core/b` › three")).toEqual([
      { file: "core/a", title: "one; two" },
      { file: "core/b", title: "three" },
    ]);
    expect(referencesIn("nothing")).toEqual([{ file: "", title: "" }]);
  });
});
