import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import * as api from "@quorate/server";
import { expect, it } from "vitest";

const sources = resolve(import.meta.dirname, "../../packages/server/src");

/** Packages that loading `file` loads, through our own files; `import type` is erased and does not count. */
async function packagesLoadedBy(file: string, seen = new Set<string>()): Promise<string[]> {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = await readFile(file, "utf8");
  const packages: string[] = [];
  for (const [, specifier = ""] of text.matchAll(/^(?:import|export)(?! type\b)[^;]*? from "([^"]+)";/gm)) {
    if (!specifier.startsWith(".")) packages.push(specifier);
    else
      packages.push(
        ...(await packagesLoadedBy(resolve(dirname(file), specifier.replace(/\.js$/, ".ts")), seen)),
      );
  }
  return [...new Set(packages)];
}

it("importing the public API loads the codec and nothing else: no storage, no HTTP server, no compiler", async () => {
  expect(await packagesLoadedBy(resolve(sources, "index.ts"))).toEqual(["@quorate/protocol"]);
});

it("the walk above sees what other files load", async () => {
  expect(await packagesLoadedBy(resolve(sources, "http/app.ts"))).toContain("fastify");
});

it("the public API is what it is said to be", () => {
  expect(Object.keys(api).sort()).toEqual([
    "DateTime",
    "Double",
    "Fault",
    "ServiceDefinitionError",
    "command",
    "createService",
    "defineService",
    "query",
    "t",
  ]);
});
