/** How long it takes to refuse documents of 8 MB that pass a limit. See README.md in this folder. */
import { parseArgs } from "node:util";
import { DecodeError, decodeCall } from "@quorate/protocol";
import { type LimitDocument, limitDocuments, otherDocuments } from "../conformance/limit-documents.js";

const { values: args } = parseArgs({ options: { rounds: { type: "string", default: "9" } } });
const rounds = Number(args.rounds);

/** Processor time of this process in milliseconds, from the last byte on. */
function timed(document: Buffer): { readonly ms: number; readonly code: number } {
  const before = process.cpuUsage();
  const code = outcome(document);
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1000, code };
}

function outcome(document: Buffer): number {
  try {
    decodeCall(document);
    return 0;
  } catch (error) {
    if (error instanceof DecodeError) return error.code;
    throw error;
  }
}

function report(documents: readonly LimitDocument[]): void {
  for (const { name, code, place, make } of documents) {
    const document = make();
    const runs = Array.from({ length: rounds }, () => timed(document));
    const times = runs.map(({ ms }) => ms).sort((a, b) => a - b);
    const median = times[Math.floor(rounds / 2)] ?? 0;
    const wrong = runs.some((run) => run.code !== code) ? `  NOT ${code}` : "";
    process.stdout.write(
      `| ${name.padEnd(50)} | ${place.padEnd(9)} | ${code} | ${median.toFixed(1).padStart(9)} | ${(times.at(-1) ?? 0).toFixed(1).padStart(8)} |${wrong}\n`,
    );
  }
}

process.stdout.write(`| ${"8 MB with".padEnd(50)} | at the    |   code | median ms | worst ms |\n`);
process.stdout.write(`| ${"-".repeat(50)} | --------- | -----: | --------: | -------: |\n`);
report(limitDocuments);
report(otherDocuments);
