import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { loadService } from "@quorate/server/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OneNode } from "./one-node.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorate-load-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const example = (name: string) => resolve(import.meta.dirname, "../../packages/server/examples", name);

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

const load = (path: string) => loadService({ file: path, dataDir: join(folder, "data") });

/** A service whose method `run` calls the function `run` of the given text. */
const minimal = (body: string) =>
  [
    'import { createService } from "@quorate/server";',
    body,
    'export default createService("s").registerFunction((tx) => run(tx), "run");',
  ].join("\n");

describe("a service file", () => {
  it("is loaded, from TypeScript, with types, faults and ranges", async () => {
    const registry = await load(example("stock.ts"));
    expect(registry.service).toBe("stock");
    expect(registry.list()).toEqual(["stock.add", "stock.level", "stock.list", "stock.reserve"]);
    const node = new OneNode(registry);
    expect(await node.call("stock.add", "apple", 5)).toBe(5);
    expect(await node.call("stock.reserve", "apple", 2)).toBe(3);
    expect(await node.call("stock.reserve", "apple", 4)).toEqual([409, "only 3 left"]);
    expect(await node.call("stock.level", "apple")).toBe(3);
    expect(await node.call("stock.list")).toEqual([{ sku: "apple", units: 3 }]);
  });

  it("is loaded, from JavaScript with plain functions", async () => {
    const node = new OneNode(await load(example("counter.js")));
    expect(await node.call("counter.add")).toBe(1);
    expect(await node.call("counter.add", 41)).toBe(42);
    expect(await node.call("counter.value")).toBe(42);
  });

  it("may import files beside it, packages written as CommonJS, and JSON", async () => {
    await file("node_modules/old/index.js", "module.exports = { twice: (n) => 2 * n };");
    await file("node_modules/old/package.json", '{ "name": "old", "main": "index.js" }');
    await file("factor.json", '{ "factor": 3 }');
    await file("lib/add.mjs", "export const add = (a, b) => a + b;");
    const path = await file(
      "service.mjs",
      minimal(`
        import old from "old";
        import { factor } from "./factor.json";
        import { add } from "./lib/add.mjs";
        const run = () => add(old.twice(factor), 1);`),
    );
    expect(await new OneNode(await load(path)).call("run")).toBe(7);
  });

  it("is kept in the data folder under its hash, and nothing else with it", async () => {
    const { sha256 } = await load(example("stock.ts"));
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(await readdir(join(folder, "data/services"))).toEqual([`${sha256}.mjs`]);
    const stored = join(folder, "data/services", `${sha256}.mjs`);
    await writeFile(stored, "damaged");
    await load(example("stock.ts"));
    expect((await readFile(stored, "utf8")).length).toBeGreaterThan(100);
  });

  it("has the same version wherever it lies and whatever tsconfig lies above it", async () => {
    const write = async (at: string, packages: string) => {
      await file(`${packages}/node_modules/old/index.js`, "module.exports = { twice: (n) => 2 * n };");
      await file(`${at}/lib.ts`, "export class Helper { static value = 1; run() { return Helper.value; } }");
      return file(
        `${at}/service.ts`,
        minimal(`import old from "old"; import { Helper } from "./lib.ts";
          const run = (): number => old.twice(new Helper().run());`),
      );
    };
    const first = await load(await write("here", "here"));
    const path = await write("far/away/from/here", "far");
    await file(
      "far/away/tsconfig.json",
      '{ "compilerOptions": { "target": "es5", "useDefineForClassFields": false } }',
    );
    expect((await load(path)).sha256).toBe(first.sha256);
  });

  it("has another version when it, or what it imports, does something else", async () => {
    const path = await file(
      "service.js",
      minimal('import { value } from "./value.js"; const run = () => value;'),
    );
    await file("value.js", "export const value = 1;");
    const first = await load(path);
    await file("value.js", "export const value = 2;");
    expect((await load(path)).sha256).not.toBe(first.sha256);
  });

  it("keeps its version when only comments and line breaks change", async () => {
    const path = await file("service.ts", minimal("const run = () => 1;"));
    const first = await load(path);
    await file("service.ts", minimal("/* a comment, quite long */\n  const run =\n () => 1; // another"));
    expect((await load(path)).sha256).toBe(first.sha256);
  });
});

describe("a service file is refused with a sentence", () => {
  const refused = (path: string) =>
    load(path).then(
      () => "not refused",
      (error: Error) => `${error.name}: ${error.message.replaceAll(folder, "")}`,
    );

  it("when there is none", async () => {
    expect(await refused(join(folder, "none.ts"))).toBe("ServiceLoadError: /none.ts: no such service file");
    await mkdir(join(folder, "folder.ts"));
    expect(await refused(join(folder, "folder.ts"))).toBe(
      "ServiceLoadError: /folder.ts: the service must be a file",
    );
    expect(await refused(join(folder, "service.py"))).toBe(
      "ServiceLoadError: /service.py: a service file ends in .ts, .js, .mjs",
    );
  });

  it.each([
    [
      "a syntax error",
      "export default {\n  oops oops\n}",
      /\/s\.ts: Expected "}" but found "oops" \(s\.ts:2:8\)$/,
    ],
    [
      "no default export",
      "export const a = 1;",
      /\/s\.ts: there is no default export; write "export default defineService/,
    ],
    [
      "another default export",
      "export default { name: 'x' };",
      /\/s\.ts: the default export is no service; write/,
    ],
    ["a throw", "throw new Error('at load');", /\/s\.ts: the service failed while it was loaded: at load$/],
    [
      "a name that does not exist",
      'import { nonsense } from "@quorate/server"; export default nonsense;',
      /No matching export .* "nonsense"/,
    ],
    [
      "an unknown package",
      'import x from "no-such-package"; export default x;',
      /Could not resolve "no-such-package" \(s\.ts:1:15\)/,
    ],
    [
      "a built-in",
      'import fs from "fs"; export default fs;',
      /imports fs, but handlers do no I\/O .*\(s\.ts:1:16\)/,
    ],
    [
      "a built-in by its prefix",
      'import { readFile } from "node:fs/promises"; export default readFile;',
      /imports node:fs\/promises, but handlers/,
    ],
    [
      "a deep import",
      `import x from "${"@quorate/server"}/dist/main.js"; export default x;`,
      /Could not resolve/,
    ],
    [
      "a reserved name",
      'import { createService } from "@quorate/server"; export default createService("s").registerFunction(() => 1, "system.x");',
      /service "s", method "system.x": names that begin with "system." belong to Quorate/,
    ],
    [
      "an asynchronous handler",
      'import { createService } from "@quorate/server"; export default createService("s").registerFunction(async () => 1, "x");',
      /method "x": is AsyncFunction; handlers are plain synchronous functions/,
    ],
  ])("for %s", async (_, text, sentence) => {
    expect(await refused(await file("s.ts", text))).toMatch(sentence);
  });
});

describe("what differs between nodes is not available to services", () => {
  it.each([
    ["Date.now()", "use tx.now"],
    ["new Date()", "use tx.now"],
    ["performance.now()", "use tx.now"],
    ["Math.random()", "use tx.random()"],
    ["crypto.randomUUID()", "use tx.random()"],
    ["setTimeout(() => 1, 1)", "handlers are synchronous"],
    ["fetch('http://127.0.0.1')", "handlers do no I/O"],
  ])("%s", async (expression, advice) => {
    const path = await file("s.js", minimal(`const run = () => ${expression};`));
    const node = new OneNode(await load(path));
    expect(await node.call("run")).toEqual([-32500, expect.stringContaining("application error")]);
    expect(node.warnings).toMatchObject([{ fields: { err: { message: expect.stringContaining(advice) } } }]);
  });

  it("but dates that are given, and asking for process, are", async () => {
    const path = await file(
      "s.js",
      minimal(
        "const run = (tx) => [typeof process, process?.env, new Date(tx.now)].map((x) => x instanceof Date ? x.toISOString() : String(x));",
      ),
    );
    expect(await new OneNode(await load(path)).call("run")).toEqual([
      "undefined",
      "undefined",
      "1970-01-01T00:16:40.000Z",
    ]);
  });
});
