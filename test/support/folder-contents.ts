import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** Every file and folder below `root`, by its path from there: mode, time of change, and bytes. */
export function contentsOf(root: string): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mode, mtimeMs } = statSync(path);
    files[relative(root, path)] = `${mode} ${mtimeMs} ${entry.isFile() ? readFileSync(path, "base64") : ""}`;
  }
  return files;
}
