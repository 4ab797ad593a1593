/** The command that people install: made of few files, complete but for what is native, with the licences of what is in it. */
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../support/project-root.js";

const server = join(projectRoot, "packages/server");
const files = readdirSync(join(server, "command"));
const code = files.filter((name) => name.endsWith(".js"));
const textOf = (name: string) => readFileSync(join(server, "command", name), "utf8");

test("asks for nothing but itself, built-in modules and what is native", () => {
  const builtins = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
  const asked = new Set<string>();
  for (const name of code) {
    for (const [, from] of textOf(name).matchAll(/^(?:import|export) (?:[^"'`;]*? from )?"([^"]+)";$/gm)) {
      if (from !== undefined && !from.startsWith("./") && !builtins.has(from)) asked.add(from);
    }
    for (const [, from] of textOf(name).matchAll(/\bimport\("([^"]+)"\)/g)) {
      if (from !== undefined && !from.startsWith("./") && !builtins.has(from)) asked.add(from);
    }
  }
  expect([...asked].sort()).toEqual(["esbuild", "level"]);
});

test("loads what a command needs when it runs, not before", () => {
  const main = textOf("main.js");
  const loadedAtOnce = [...main.matchAll(/^import (?:[^"]*? from )?"\.\/([^"]+)";$/gm)].map(
    ([, name]) => name ?? "",
  );
  const text = [main, ...loadedAtOnce.map(textOf)].join("\n");
  expect(text).toContain("commander");
  expect(text).not.toContain("node_modules/fastify/");
});

test("carries the licence of every package in it", () => {
  const packages = new Set<string>();
  for (const name of code) {
    for (const [, folder] of textOf(name).matchAll(/^\s*\/\/ .*node_modules\/((?:@[^/\s]+\/)?[^/\s]+)\//gm)) {
      if (folder !== undefined && folder !== ".pnpm") packages.add(folder);
    }
  }
  expect([...packages]).toEqual(
    expect.arrayContaining(["commander", "fastify", "fast-xml-parser", "pino", "yaml", "zod"]),
  );
  const licences = textOf("LICENSES.txt");
  const missing = [...packages].filter((name) => !new RegExp(`^${name} \\d`, "m").test(licences));
  expect(missing).toEqual([]);
});

test("keeps constants as such: V8 compiles what cannot change into the code that uses it", () => {
  expect(code.map(textOf).join("\n")).toMatch(/^const lessThan = 60;$/m); // of the codec's reader
});
