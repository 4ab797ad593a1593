/** A page whose fenced blocks are carried out: `<!-- run: MACHINE … -->` and `<!-- file: MACHINE PATH -->` say where. */
import { readFileSync } from "node:fs";

export type Step =
  | {
      readonly kind: "run";
      readonly machines: readonly string[];
      readonly note: string;
      readonly text: string;
    }
  | { readonly kind: "file"; readonly machine: string; readonly path: string; readonly text: string };

/** Every fenced block in order. Throws for one that does not say what becomes of it. */
export function stepsOf(path: string): readonly Step[] {
  const page = readFileSync(path, "utf8");
  const steps: Step[] = [];
  for (const [, said, words = "", text = ""] of page.matchAll(
    /(?:<!-- (run|file): ([^\n]*?) -->\n+)?^```\w*\n([\s\S]*?)^```$/gm,
  )) {
    if (said === "run") {
      const [machines = "", note = ""] = words.split("; ");
      steps.push({ kind: "run", machines: machines.split(" "), note, text });
    } else if (said === "file") {
      const [machine = "", file = ""] = words.split(" ");
      steps.push({ kind: "file", machine, path: file, text });
    } else {
      throw new Error(`${path}: a block is not carried out: ${text.slice(0, 80)}`);
    }
  }
  return steps;
}

export type Part = { readonly shell: string } | { readonly systemctl: readonly string[] };

/** A script in pieces: lines of `systemctl` by themselves, what is between them as it stands. */
export function partsOf(script: string): readonly Part[] {
  const parts: Part[] = [];
  let shell: string[] = [];
  const flush = () => {
    if (shell.length > 0) parts.push({ shell: shell.join("\n") });
    shell = [];
  };
  for (const line of script.split("\n")) {
    if (line.startsWith("systemctl ")) {
      flush();
      parts.push({ systemctl: line.split(" ").slice(1) });
    } else if (line.trim() !== "") shell.push(line);
  }
  flush();
  return parts;
}
