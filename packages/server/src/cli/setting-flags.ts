/** The flags that stand for settings: of `serve`, and of `config show`, which tells what serve would see. */
import { type Command, Option } from "commander";
import type { Sources } from "../config/load.js";
import { environmentOf, flagOf, settings } from "../config/settings.js";

export type SettingOptions = Readonly<Record<string, string | undefined>>;

export function addSettingFlags(command: Command): Command {
  command.option("--config <file>", "config file, YAML or JSON");
  for (const { key, placeholder, help } of settings) {
    const isSwitch = placeholder === "BOOL";
    const value = isSwitch ? `[${placeholder}]` : `<${placeholder}>`;
    const option = new Option(`${flagOf(key)} ${value}`, `${help} (${environmentOf(key)})`);
    // `--insecure` alone says yes, as in other programs.
    command.addOption(isSwitch ? option.preset("true") : option);
  }
  return command;
}

/** @param options as commander gives them for the flags above */
export function sourcesOf(options: SettingOptions): Sources {
  const flags: Record<string, string> = {};
  for (const { key } of settings) {
    const value = options[camelCase(flagOf(key))];
    if (value !== undefined) flags[key] = value;
  }
  return {
    ...(options.config === undefined ? {} : { file: options.config }),
    flags,
    environment: process.env,
    directory: process.cwd(),
  };
}

/** Commander's name for a flag: `--raft-heartbeat` → `raftHeartbeat`. */
const camelCase = (flag: string): string =>
  flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
