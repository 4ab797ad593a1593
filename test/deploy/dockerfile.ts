/** The instructions of a Dockerfile, as far as ours uses them. */
import { readFileSync } from "node:fs";

export interface Instruction {
  readonly word: string;
  readonly text: string;
}

/** One list per stage, the `FROM` that opens it first. Arguments (`ARG`) before the first stage are left out. */
export function stagesOf(path: string): readonly (readonly Instruction[])[] {
  const text = readFileSync(path, "utf8")
    .replace(/^#.*\n/gm, "")
    .replaceAll("\\\n", " ");
  const stages: Instruction[][] = [];
  for (const line of text.split("\n")) {
    const [, word, rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (word === undefined) continue;
    if (word === "FROM") stages.push([]);
    stages.at(-1)?.push({ word, text: rest.trim().replace(/\s+/g, " ") });
  }
  return stages;
}

export const textsOf = (stage: readonly Instruction[], word: string): readonly string[] =>
  stage.filter((instruction) => instruction.word === word).map(({ text }) => text);

/** Exec form: `["node", "x.js"]`. */
export function execForm(text: string): readonly string[] {
  const command: unknown = JSON.parse(text);
  if (!Array.isArray(command) || !command.every((part) => typeof part === "string")) {
    throw new Error(`expected an exec form such as ["node"], got ${text}`);
  }
  return command;
}

/** `A=1 B=2` of all `ENV` instructions of a stage. */
export function environmentOf(stage: readonly Instruction[]): Readonly<Record<string, string>> {
  const pairs = textsOf(stage, "ENV").flatMap((text) => text.split(" "));
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}
