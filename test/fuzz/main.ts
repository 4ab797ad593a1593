/** `npm run fuzz`: hostile bytes for everything that reads what strangers send. See README.md in this folder. */
import { parseArgs } from "node:util";
import { requireProgram } from "../support/system.js";
import { searchTarget, targetNames } from "./targets.js";

const { values: args } = parseArgs({
  options: {
    cases: { type: "string", default: "10000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 30)) },
    only: { type: "string", default: "" },
  },
});
const cases = Number(args.cases);
const seed = Number(args.seed);
if (!Number.isSafeInteger(cases) || cases < 1) throw new Error("--cases is to be a positive integer");
if (!Number.isSafeInteger(seed) || seed < 0) throw new Error("--seed is to be an integer of at least 0");
const names = targetNames.filter((name) => args.only === "" || args.only === name);
if (names.length === 0) throw new Error(`--only is to be one of ${targetNames.join(", ")}`);
if (!requireProgram("python3", "python3")) process.exit(1);

console.log(`seed ${seed}: npm run fuzz -- --cases ${cases} --seed ${seed}`);
for (const name of names) {
  const onProgress = (done: number) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}: ${done}`);
  };
  const result = await searchTarget(name, { cases, seed, onProgress });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  console.log(
    `${name}: ${result.cases} cases, the slowest ${result.slowestMs.toFixed(1)} ms, ${result.memoryMiB} MiB`,
  );
  if (result.failure === null) continue;
  const { seed: reached, input, error } = result.failure;
  console.log(
    `FAILED in the batch of seed ${reached}: npm run fuzz -- --only ${name} --cases ${cases} --seed ${reached}`,
  );
  console.log(`${error}\ncase: ${input}`);
  process.exitCode = 1;
}
