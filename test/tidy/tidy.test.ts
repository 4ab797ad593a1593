/** Structure and documents stay true. Every rule is itself tried on an example that breaks it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bannedIn } from "./bans.js";
import { violations } from "./import-walls.js";
import { listFiles, listSources, readSource, root } from "./sources.js";

/** The rules' own files hold examples that break them. */
const sources = listSources().filter((file) => !file.path.startsWith("test/tidy/"));
const files = listFiles().filter((path) => existsSync(join(root, path)));
const text = (path: string) => readSource(path).text;

describe("import walls", () => {
  test("hold in every file", () => {
    expect(sources.flatMap(violations)).toEqual([]);
  });

  test.each([
    ["packages/raft/src/core/x.ts", 'import { readFileSync } from "node:fs";', "pure"],
    ["packages/raft/src/core/x.ts", 'import { T } from "../ports/storage.js";', "pure"],
    ["packages/raft/src/ports/x.ts", 'import { Raft } from "../core/index.js";', "types only"],
    ["packages/raft/src/driver/x.ts", 'import { a } from "../storage/level.js";', "only core and ports"],
    [
      "packages/raft/src/transport/x.ts",
      'import type { a } from "../driver/types.js";',
      "only core and ports",
    ],
    ["packages/raft/src/driver/x.ts", 'import { a } from "@quorate/protocol";', "neither each other"],
    ["packages/protocol/src/x.ts", 'import { a } from "@quorate/raft";', "know neither"],
    ["packages/client/src/x.ts", 'import { a } from "@quorate/raft";', "protocol alone"],
    ["packages/server/src/rpc/x.ts", 'import { a } from "../state/types.js";', "bytes into bytes"],
    ["packages/server/src/rpc/x.ts", 'import fastify from "fastify";', "bytes into bytes"],
    ["packages/server/src/http/x.ts", 'import { a } from "../main.js";', "put everything together"],
    ["packages/protocol/src/decode.ts", 'import { XMLParser } from "fast-xml-parser";', "behind one file"],
    ["packages/server/src/x.ts", 'import { a } from "@quorate/raft/src/core/log.js";', "through its exports"],
    ["test/a/x.ts", 'import { a } from "../../packages/raft/src/core/log.js";', "through its exports"],
    ["test/a/x.ts", 'const a = await import("@quorate/raft/driver");', "through its exports"],
  ])("notice %s with %s", (path, line, reason) => {
    expect(violations({ path, text: line }).join()).toContain(reason);
  });
});

describe("bans", () => {
  test("hold in every file", () => {
    expect(sources.flatMap(bannedIn)).toEqual([]);
  });

  test.each([
    ["packages/server/src/http/x.ts", 'export * from "./a.js";'],
    ["packages/server/src/http/x.ts", "export default 1;"],
    ["packages/server/src/http/x.ts", "const a = b as any;"],
    ["packages/server/src/http/x.ts", "const a = b!.c;"],
    ["packages/server/src/http/x.ts", "try { a(); } catch (e) {\n}"],
    ["packages/server/src/http/x.ts", "console.log(1)"],
    ["packages/server/src/http/x.ts", "process.exit(1)"],
    ["packages/server/src/http/x.ts", `// ${"TO"}${"DO"}: later`],
    ["test/a/x.test.ts", `test.${"only"}("x", () => {})`],
    ["packages/raft/src/core/x.ts", "async function a() {}"],
    ["packages/raft/src/core/x.ts", "const t = Date.now();"],
    ["packages/raft/src/core/x.ts", "Math.random()"],
    ["packages/raft/src/core/x.ts", "setTimeout(a, 1)"],
    ["packages/server/src/x.ts", "const a = { plantedBugs: new Set() };"],
  ])("notice in %s: %s", (path, line) => {
    expect(bannedIn({ path, text: line })).toHaveLength(1);
  });

  test("do not read comments as code", () => {
    expect(
      bannedIn({ path: "packages/raft/src/core/x.ts", text: "// no Date here\n/* await */ const a = 1;" }),
    ).toEqual([]);
  });
});

describe("files", () => {
  test("the root holds what is agreed, and nothing else", () => {
    const entries = [...new Set(files.map((path) => path.split("/")[0]))].sort();
    const agreed = [
      ".ci",
      ".dockerignore",
      ".gitignore",
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "biome.json",
      "deploy",
      "package.json",
      "packages",
      "pnpm-lock.yaml",
      "pnpm-workspace.yaml",
      "test",
      "tsconfig.base.json",
      "tsconfig.json",
    ];
    expect(entries.filter((entry) => entry !== undefined && !agreed.includes(entry))).toEqual([]);
    const fixed = [
      "packages",
      "test",
      "deploy",
      "package.json",
      "pnpm-workspace.yaml",
      "tsconfig.base.json",
      "README.md",
    ];
    expect(fixed.filter((entry) => !entries.includes(entry))).toEqual([]);
  });

  test("no source file is longer than 500 lines", () => {
    const long = sources.filter((file) => file.text.split("\n").length > 501).map((file) => file.path);
    expect(long).toEqual([]);
  });

  test("test files are named after their subject, not numbered", () => {
    expect(files.filter((path) => /[._-]\d+\.test\.ts$/.test(path))).toEqual([]);
  });

  test("every package has a README and a reason for each dependency in it", () => {
    const missing: string[] = [];
    for (const name of ["protocol", "raft", "server", "client"]) {
      const readme = text(`packages/${name}/README.md`);
      const manifest = JSON.parse(text(`packages/${name}/package.json`)) as {
        dependencies?: Record<string, string>;
      };
      for (const dependency of Object.keys(manifest.dependencies ?? {})) {
        if (!readme.includes(`\`${dependency}\``))
          missing.push(`packages/${name}/README.md does not say why ${dependency}`);
      }
    }
    expect(missing).toEqual([]);
  });

  test("dependencies are pinned exactly, so that the same commit is the same program", () => {
    const loose: string[] = [];
    for (const path of files.filter((file) => /(^|\/)package\.json$/.test(file))) {
      const manifest = JSON.parse(text(path)) as Record<string, Record<string, string> | undefined>;
      for (const group of ["dependencies", "devDependencies"]) {
        for (const [name, range] of Object.entries(manifest[group] ?? {})) {
          if (!/^\d+\.\d+\.\d+$|^workspace:\*$/.test(range)) loose.push(`${path}: ${name} ${range}`);
        }
      }
    }
    expect(loose).toEqual([]);
  });

  test("the lockfile carries no download address", () => {
    expect(text("pnpm-lock.yaml")).not.toMatch(/https?:\/\/|tarball:/);
  });

  test("links between documents lead somewhere", () => {
    const broken: string[] = [];
    for (const path of files.filter((file) => file.endsWith(".md"))) {
      for (const [, target] of text(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
        if (target !== undefined && !existsSync(join(root, path, "..", target)))
          broken.push(`${path} → ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });
});

describe("documents say what the code does", () => {
  test("every setting stands in the server's README with its flag's key and default", () => {
    const settingsSource = text("packages/server/src/config/settings.ts");
    const keys = [...settingsSource.matchAll(/^\s*key: "([\w.]+)"/gm)].map((match) => match[1] ?? "");
    const readme = text("packages/server/README.md");
    expect(keys.length).toBeGreaterThan(10);
    expect(keys.filter((key) => !readme.includes(`\`${key}\``))).toEqual([]);
  });

  test("every command's exit code stands in the server's README", () => {
    const codes = [...text("packages/server/src/cli/exit-codes.ts").matchAll(/^\s+\w+: (\d)/gm)].map(
      (match) => match[1],
    );
    const readme = text("packages/server/README.md");
    expect(codes.filter((code) => !new RegExp(`\\| ${code} +\\|`).test(readme))).toEqual([]);
  });

  test("every fault code of the protocol package stands in the server's README", () => {
    const codes = [
      ...new Set([...text("packages/protocol/src/fault.ts").matchAll(/-32\d{3}/g)].map((match) => match[0])),
    ];
    const readme = text("packages/server/README.md");
    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((code) => !readme.includes(code))).toEqual([]);
  });

  test("every npm script stands in the README", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const readme = text("README.md");
    const named = (name: string) => readme.includes(`npm ${name}`) || readme.includes(`npm run ${name}`);
    expect(Object.keys(scripts).filter((name) => !named(name))).toEqual([]);
  });
});
