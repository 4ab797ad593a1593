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

interface Item {
  readonly number: number;
  readonly rule: string;
  readonly tests: readonly Reference[];
}

/** The numbered items under a heading, up to the next one: a sentence, its source in brackets, and a list of tests. */
function itemsUnder(heading: string): readonly Item[] {
  const section = document.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  return section
    .split(/^(?=\d+\. )/m)
    .slice(1)
    .map((text) => {
      const [head = "", ...tests] = text.split(/^ +- /m);
      return {
        number: Number.parseInt(head, 10),
        rule: head
          .replace(/^\d+\. /, "")
          .replaceAll(/\s+/g, " ")
          .trim(),
        tests: tests.flatMap((line) => referencesIn(line.trim())),
      };
    });
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
  const items = itemsUnder(heading);

  test("have every number once, in order", () => {
    expect(items.map(({ number }) => number)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  });

  test.each(items)("$number: $rule", ({ rule, tests }) => {
    expect(rule).toMatch(/^[A-Z].*\. \(.+\)$/);
    expect(tests).not.toEqual([]);
    expect(tests.filter((reference) => !exists(reference))).toEqual([]);
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
