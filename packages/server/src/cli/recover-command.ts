/** What can be said after `quorate recover`. */
import { type Command, Option } from "commander";
import { CommandFailed, exitCodes } from "./exit-codes.js";
import type { OutputFormat } from "./output.js";

interface Options {
  readonly config?: string;
  readonly node?: string;
  readonly yes: boolean;
  readonly output: OutputFormat;
}

export function addRecover(program: Command): void {
  program
    .command("recover")
    .description(
      "when a majority is gone for good: let a stopped node go on alone, in a new cluster; prints a plan, --yes does it",
    )
    .argument("[dirs...]", "data folder of the node; several are compared, and one is recommended")
    .option("--config <file>", "take the folder from this config file instead")
    .option("--node <id>", "with --config: the node that the folder is of (QUORATE_NODE)")
    .option("--yes", "carry the plan out; without it nothing is changed", false)
    .addOption(
      new Option("-o, --output <format>", "how to print").choices(["table", "json"]).default("table"),
    )
    .action(async (named: string[], { config, node, yes, output }: Options) => {
      if (config === undefined && node !== undefined) throw misused("--node goes with --config");
      if (config !== undefined && named.length > 0) {
        throw misused("--config names the folder already; leave the other one out");
      }
      if (config === undefined && named.length === 0) {
        throw misused("name the data folder of a stopped node, or --config FILE");
      }
      const { recover, folderOf } = await import("./recover.js");
      const directories = config === undefined ? named : [folderOf(config, node)];
      process.stdout.write(`${await recover({ directories, execute: yes, output })}\n`);
    });
}

const misused = (message: string) => new CommandFailed(message, exitCodes.usage);
