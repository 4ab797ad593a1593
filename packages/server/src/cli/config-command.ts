/** What can be said after `quorate config`. */
import { type Command, Option } from "commander";
import type { ConfigOutput } from "./config.js";
import type { OutputFormat } from "./output.js";
import { addSettingFlags, type SettingOptions, sourcesOf } from "./setting-flags.js";

const outputOption = () =>
  new Option("-o, --output <format>", "how to print").choices(["table", "json"]).default("table");

export function addConfig(program: Command): void {
  const config = program.command("config").description("what a node would start with, before it starts");
  addSettingFlags(
    config
      .command("show")
      .description("every setting with its value and origin, as serve would see it; secrets are not shown"),
  )
    .addOption(outputOption())
    .action(async (options: SettingOptions & { readonly output: OutputFormat }) => {
      const { show } = await import("./config.js");
      finish(show(sourcesOf(options), options.output));
    });
  config
    .command("check")
    .description("check a config file by itself, for every machine that it lists; all problems at once")
    .argument("<file>", "YAML or JSON")
    .addOption(outputOption())
    .action(async (file: string, options: { readonly output: OutputFormat }) => {
      const { check } = await import("./config.js");
      finish(check(file, options.output));
    });
  config
    .command("schema")
    .description("print a JSON Schema of the config file, for editors")
    .action(async () => {
      const { schema } = await import("./config.js");
      process.stdout.write(`${schema()}\n`);
    });
}

function finish({ text, failure }: ConfigOutput): void {
  if (text !== "") process.stdout.write(`${text}\n`);
  if (failure !== null) throw failure;
}
