/** What can be said after `quorate log`. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { CommandFailed, exitCodes } from "./exit-codes.js";
import type { LogOptions, LogOutput } from "./log.js";

const lastDefault = 100;

type Options = Pick<LogOptions, "full" | "output"> & {
  readonly from?: number;
  readonly to?: number;
  readonly last?: number;
};

export function addLog(program: Command): void {
  program
    .command("log")
    .description("the log of a stopped node, decoded; its data folder is only read")
    .argument("<dir>", "data folder of the node")
    .option("--from <index>", "first entry", count)
    .option("--to <index>", "last entry", count)
    .option("--last <n>", `the newest ones only (default: ${lastDefault}, without --from)`, count)
    .option("--full", "do not cut long parameters", false)
    .addOption(
      new Option("-o, --output <format>", "how to print; json: one object per line")
        .choices(["table", "json"])
        .default("table"),
    )
    .action(async (directory: string, { from, to, last, full, output }: Options) => {
      if (from !== undefined && last !== undefined) {
        throw new CommandFailed("--from and --last contradict each other; keep one", exitCodes.usage);
      }
      const { log } = await import("./log.js");
      await log(
        {
          directory,
          from: from ?? null,
          to: to ?? null,
          last: from === undefined ? (last ?? lastDefault) : null,
          full,
          output,
        },
        standardOutput(),
      );
    });
}

function count(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError("expected a whole number from 1.");
  return Number(text);
}

function standardOutput(): LogOutput {
  // `quorate log DIR | head` has seen enough; what was opened is closed on the way out.
  process.stdout.on("error", () => process.exit(exitCodes.success));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => process.exit(exitCodes.failure));
  }
  return {
    write: (text) =>
      new Promise((resolve) => {
        process.stdout.write(text, () => resolve());
      }),
    note: (text) => process.stderr.write(`${text}\n`),
  };
}
