/** Programs of the system, with errors that name the whole command. */
import { execFile } from "node:child_process";

/** Resolves with what it printed. Rejects when it fails, with what it said. */
export function command(program: string, args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args.join(" ")}: ${stderr.trim() || error.message}`));
    });
    // One that ends without reading says why by its exit code.
    child.stdin?.on("error", () => undefined).end(input);
  });
}
