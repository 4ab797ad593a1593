import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root folder, found from the sources as well as from their compiled copies. */
export const projectRoot: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "pnpm-workspace.yaml"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("no pnpm-workspace.yaml above the tests");
    folder = parent;
  }
  return folder;
})();

/** The `quorate` command, as it was built. */
export const quorateCommand: string = join(projectRoot, "packages/server/bin/quorate.js");
