/** The project's own source files, as the tidy rules see them. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { projectRoot } from "../support/project-root.js";

export const root = projectRoot;

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Files that git tracks or would track, so that build output and data never count. */
export function listFiles(): readonly string[] {
  const output = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
  });
  return output
    .toString()
    .split("\n")
    .filter((path) => path !== "")
    .sort();
}

export const readSource = (path: string): SourceFile => ({
  path,
  text: readFileSync(join(root, path), "utf8"),
});

export function listSources(): readonly SourceFile[] {
  return listFiles()
    .filter((path) => path.endsWith(".ts"))
    .filter((path) => exists(path))
    .map(readSource);
}

function exists(path: string): boolean {
  try {
    readFileSync(join(root, path));
    return true;
  } catch {
    // Deleted in the working tree but still in git's index.
    return false;
  }
}

export const isTest = (path: string): boolean => path.endsWith(".test.ts") || path.startsWith("test/");

/** Removes comments, so that prose never trips a rule. Strings stay. */
export function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|[^:"'`\\])\/\/[^\n]*/g, "$1");
}

export interface Import {
  /** As written: `./log.js`, `@quorate/raft/core`, `node:fs`, `fastify`. */
  readonly specifier: string;
  readonly typeOnly: boolean;
  /** Relative specifiers as a path from the root (ending in `.ts`); otherwise undefined. */
  readonly target: string | undefined;
}

const importPattern =
  /\b(?:import|export)\s+(type\s+)?(?:[\w*\s{},]+?\s+from\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;

export function importsOf(file: SourceFile): readonly Import[] {
  return [...withoutComments(file.text).matchAll(importPattern)].map((match) => {
    const specifier = match[2] ?? match[3] ?? "";
    const target = specifier.startsWith(".")
      ? posix.join(dirname(file.path), specifier).replace(/\.js$/, ".ts")
      : undefined;
    return { specifier, typeOnly: match[1] !== undefined, target };
  });
}
