/** The `quorate` command. Everything it can do is in `cli/program.ts`. */
import { readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { CommandFailed, exitCodes } from "./cli/exit-codes.js";
import { buildProgram } from "./cli/program.js";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

try {
  await buildProgram(version).parseAsync();
} catch (error) {
  if (error instanceof CommandFailed) {
    process.stderr.write(`quorate: ${error.message}\n`);
    process.exit(error.exitCode);
  }
  // Commander has printed its own message and set the exit code.
  if (!(error instanceof CommanderError)) {
    process.stderr.write(`quorate: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = exitCodes.failure;
  }
}
