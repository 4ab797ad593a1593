/** `quorate config show`, `check`, `schema`: what a node would start with, before it starts. */
import { resolve } from "node:path";
import {
  checkFile,
  configSchema,
  type Problem,
  problemText,
  type Sources,
  showConfig,
} from "../config/index.js";
import { CommandFailed, exitCodes } from "./exit-codes.js";
import { type OutputFormat, table } from "./output.js";

/** What goes to standard output, and whether the command succeeded. */
export interface ConfigOutput {
  readonly text: string;
  /** For standard error; null: the configuration is usable. */
  readonly failure: CommandFailed | null;
}

/** Every setting, its value and its origin; usable or not, so that one sees what is missing. */
export function show(sources: Sources, format: OutputFormat): ConfigOutput {
  const { settings, problems } = showConfig(sources);
  const text =
    format === "json"
      ? JSON.stringify(
          settings.map(({ setting, value, kind, origin }) => ({ setting, value, kind, origin })),
          null,
          2,
        )
      : table(
          ["SETTING", "VALUE", "ORIGIN"],
          settings.map((one) => [one.setting, one.text, one.origin]),
        );
  return { text, failure: refusal(problems) };
}

/** Checks the file alone, for each machine that it lists. */
export function check(file: string, format: OutputFormat): ConfigOutput {
  const { problems, notes, nodes, fingerprint } = checkFile(file);
  if (format === "json") {
    const report = { file: resolve(file), ok: problems.length === 0, nodes, fingerprint, problems, notes };
    return {
      text: JSON.stringify(report, null, 2),
      failure: problems.length === 0 ? null : new CommandFailed(countOf(problems), exitCodes.usage),
    };
  }
  const lines = notes.map((note) => `note: ${note}`);
  if (problems.length > 0) return { text: lines.join("\n"), failure: refusal(problems) };
  lines.push(`${file} can be used${nodes.length === 0 ? "" : ` on ${nodes.join(", ")}`}`);
  if (fingerprint !== null) {
    lines.push(
      `fingerprint ${fingerprint}: must be the same on every machine when the cluster is first started`,
    );
  }
  return { text: lines.join("\n"), failure: null };
}

export const schema = (): string => JSON.stringify(configSchema(), null, 2);

function refusal(problems: readonly Problem[]): CommandFailed | null {
  if (problems.length === 0) return null;
  const lines = [`${countOf(problems)}:`, ...problems.map((one) => `  ${problemText(one)}`)];
  return new CommandFailed(lines.join("\n"), exitCodes.usage);
}

const countOf = ({ length }: readonly Problem[]): string =>
  `${length} ${length === 1 ? "problem" : "problems"} in the configuration`;
