/**
 * Makes the `quorate` command of what the compiler wrote: few files in `command/` instead of the hundreds that it is
 * made of, because a node spends most of its start on finding and reading modules. Dependencies are in it, but for
 * those with native parts. Run by `npm run build`.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const packageFolder = dirname(fileURLToPath(import.meta.url));
const target = join(packageFolder, "command");

const bundle = await rolldown({
  cwd: packageFolder,
  input: { main: "dist/main.js", "document-worker": "dist/documents/document-worker.js" },
  platform: "node",
  // What is native is found beside the package. msgpackr does without its own.
  external: ["level", "esbuild", "msgpackr-extract"],
  logLevel: "warn",
});
// Keeps `const` as it is, unlike other bundlers: V8 compiles what it knows never to change into the code that uses it.
const { output } = await bundle.generate({
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
});
await bundle.close();
const files = new Map(output.map((chunk) => [chunk.fileName, chunk.code]));
const inputs = output.flatMap(({ moduleIds }) => moduleIds);
files.set("LICENSES.txt", licenses(inputs));
// First what is new, then nothing that is old: a node that is running may still load a part.
mkdirSync(target, { recursive: true });
for (const [name, contents] of files) writeFileSync(join(target, name), contents);
for (const name of readdirSync(target)) if (!files.has(name)) rmSync(join(target, name));

/** The licence of each package that went in, as its own folder has it. */
function licenses(inputs) {
  const folders = new Set();
  for (const input of inputs) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found !== null) folders.add(found[1]);
  }
  return [...folders].sort().map(license).join("\n");
}

function license(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : `\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  return `${name} ${version} (${license})\n${text}`;
}
