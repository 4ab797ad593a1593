/** One file out of a service file and all that it imports, the same bytes wherever the files lie. */
import { builtinModules } from "node:module";
import { basename, dirname } from "node:path";
import type { BuildFailure, Message, Plugin } from "esbuild";
import { ServiceLoadError } from "./load-error.js";
import { apiNames, guardedNames, runtimeName } from "./runtime.js";

const serverPackage = "@quorate/server";

/** Throws `ServiceLoadError` with the position of a syntax error, or the import that is not allowed. */
export async function bundleService(path: string): Promise<Uint8Array> {
  // Loaded late: a node that runs the built-in service does not need it.
  const { build } = await import("esbuild");
  try {
    const { outputFiles } = await build({
      entryPoints: [basename(path)],
      absWorkingDir: dirname(path),
      bundle: true,
      write: false,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      target: "node20",
      charset: "utf8",
      legalComments: "none",
      sourcemap: false,
      logLevel: "silent",
      // What depends on where the files lie: comments with paths, names made of them, tsconfig files above.
      minifyWhitespace: true,
      minifyIdentifiers: true,
      keepNames: true,
      tsconfigRaw: {},
      define: definitions(),
      plugins: [serverApi, noBuiltins],
    });
    const [output] = outputFiles;
    if (output === undefined) throw new Error("esbuild wrote no output");
    return output.contents;
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    const [first] = error.errors;
    if (first === undefined) throw error;
    throw new ServiceLoadError(sentence(path, first), error);
  }
}

function definitions(): Record<string, string> {
  const guards = guardedNames.map((name) => [name, `globalThis.${runtimeName}.guards${member(name)}`]);
  return {
    ...Object.fromEntries(guards),
    // Libraries ask for it before they use it; the environment differs between nodes.
    process: "undefined",
    "process.env.NODE_ENV": '"production"',
  };
}

function member(name: string): string {
  return name.includes(".") ? `.${name.replace(".", "_")}` : `.${name}`;
}

/** `@quorate/server` becomes the running server's API: what is used of it, and no more, enters the bundle. */
const serverApi: Plugin = {
  name: "quorate-server-api",
  setup(build) {
    build.onResolve({ filter: /^@quorate\/server$/ }, () => ({
      path: serverPackage,
      namespace: "quorate",
      sideEffects: false,
    }));
    build.onLoad({ filter: /.*/, namespace: "quorate" }, () => ({
      contents: [
        `const take = (name) => globalThis.${runtimeName}.api[name];`,
        ...apiNames.map((name) => `export const ${name} = /* @__PURE__ */ take("${name}");`),
      ].join("\n"),
    }));
  },
};

const builtins = new Set(builtinModules);

const noBuiltins: Plugin = {
  name: "quorate-no-builtins",
  setup(build) {
    build.onResolve({ filter: /^[a-z_][^:]*$|^node:/ }, ({ path, namespace, importer }) => {
      if (namespace !== "file" || importer === "") return null;
      if (!path.startsWith("node:") && !builtins.has(path)) return null;
      return {
        errors: [
          {
            text: `imports ${path}, but handlers do no I/O and run on every node; built-in modules are not available`,
          },
        ],
      };
    });
  },
};

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}

function sentence(path: string, { text, location }: Message): string {
  if (location === null) return `${path}: ${text}`;
  return `${path}: ${text} (${location.file}:${location.line}:${location.column + 1})`;
}
