/**
 * Judges a recorded trace: `node test/dist/test/trace-check/main.js FILE`. Exit code 0: Raft allows every
 * transition; 1: it does not, and the line and the reason are printed; 2: no such file.
 */
import { readFileSync } from "node:fs";
import { judgeTrace } from "./judge.js";

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stdout.write("expected the name of a file of JSON lines\n");
  process.exitCode = 2;
} else {
  const { lines, rejected } = judgeTrace(readFileSync(file, "utf8").split("\n"));
  process.stdout.write(rejected === null ? `accepted ${lines} lines\n` : `rejected at ${rejected}\n`);
  process.exitCode = rejected === null ? 0 : 1;
}
