/** Times of the XML-RPC codec beside others, in turn within one run. See README.md in this folder. */
import { parseArgs } from "node:util";
import { decodeCall, encodeResponse } from "@quorate/protocol";
import { isInstalled } from "../support/system.js";
import { npmDecode, npmEncode, npmValue, Python } from "./codec-peers.js";

const { values: args } = parseArgs({
  options: { rounds: { type: "string", default: "15" }, json: { type: "boolean", default: false } },
});
const rounds = Number(args.rounds);
/** Processor time that each contender spends per round. */
const roundMs = 20;

/** Runs an operation so often and gives the processor time that one took, in microseconds. */
type Timing = (times: number) => number | Promise<number>;

interface Contender {
  readonly name: string;
  readonly time: Timing;
  /** How many times as long as ours it is to take, at least. */
  readonly goal?: number;
}

/** Documents as `xmlrpc.client` writes them. */
function call(params: string): Buffer {
  return Buffer.from(
    `<?xml version='1.0'?>\n<methodCall>\n<methodName>inventory.update</methodName>\n<params>\n<param>\n${params}</param>\n</params>\n</methodCall>\n`,
  );
}

function item(index: number): string {
  const member = (name: string, value: string) =>
    `<member>\n<name>${name}</name>\n<value>${value}</value>\n</member>\n`;
  return (
    "<value><struct>\n" +
    member("id", `<int>${index}</int>`) +
    member("name", `<string>part ${index}</string>`) +
    member("price", `<double>${index}.25</double>`) +
    "</struct></value>\n"
  );
}

const documents = {
  small: call(
    "<value><string>part 4711: bolts &amp; nuts, the box of forty, zinc plated, M8</string></value>\n",
  ),
  large: call(
    `<value><array><data>\n${Array.from({ length: 1000 }, (_, index) => item(index)).join("")}</data></array></value>\n`,
  ),
  blob: call(`<value><base64>\n${`${"QUJD".repeat(19)}\n`.repeat(2 ** 21 / 77)}</base64></value>\n`),
};

/** Of this process, its helper threads included: who else uses the machine does not count. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function timing(run: () => unknown): Timing {
  return (times) => {
    const start = processorTime();
    for (let count = 0; count < times; count++) run();
    return (processorTime() - start) / times;
  };
}

function timingAsync(run: () => Promise<unknown>): Timing {
  return async (times) => {
    const start = processorTime();
    for (let count = 0; count < times; count++) await run();
    return (processorTime() - start) / times;
  };
}

/** Ours comes first. */
function contenders(name: string, document: Buffer, python: Python | undefined): Record<string, Contender[]> {
  const [value = null] = decodeCall(document).params;
  const plain = npmValue(value);
  const cpython = (operation: string, goal: number): Contender[] =>
    python === undefined
      ? []
      : [{ name: "CPython", goal, time: (times) => python.ask({ name, operation, times }) }];
  return {
    decode: [
      { name: "fast path", time: timing(() => decodeCall(document)) },
      { name: "full path", time: timing(() => decodeCall(document, { fastPath: false })) },
      ...cpython("decode", 3),
      { name: "npm xmlrpc", goal: 1, time: timingAsync(() => npmDecode(document)) },
    ],
    encode: [
      { name: "encode", time: timing(() => encodeResponse(value)) },
      ...cpython("encode", 2),
      { name: "npm xmlrpc", goal: 1, time: timing(() => npmEncode(plain)) },
    ],
  };
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

interface Result {
  readonly name: string;
  readonly microseconds: number;
  /** The median of what it took, divided by what ours took in the same round. */
  readonly ratio: number;
  readonly goal: number | undefined;
}

async function measure(list: readonly Contender[]): Promise<Result[]> {
  const runs: { times: number; results: number[] }[] = [];
  for (const { time } of list) {
    let times = 1;
    for (let spent = 0; spent < roundMs; times *= 2) spent = ((await time(times)) * times) / 1000;
    runs.push({ times, results: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [index, { times, results }] of runs.entries()) {
      results.push(await (list[index] as Contender).time(times));
    }
  }
  const ours = runs[0]?.results ?? [];
  return list.map(({ name, goal }, index) => {
    const { results = [] } = runs[index] ?? {};
    const ratio = median(results.map((taken, round) => taken / (ours[round] ?? taken)));
    return { name, microseconds: median(results), ratio, goal };
  });
}

function line({ name, microseconds, ratio, goal }: Result): string {
  const verdict = goal === undefined ? "" : `  goal ${goal} x: ${ratio >= goal ? "met" : "MISSED"}`;
  const time = `${microseconds.toFixed(1)} µs`.padStart(14);
  return `  ${name.padEnd(12)}${time}${ratio.toFixed(2).padStart(9)} x${verdict}\n`;
}

const python = isInstalled("python3") ? new Python() : undefined;
const report: object[] = [];
for (const [name, document] of Object.entries(documents)) {
  await python?.ask({ name, document: document.toString() });
  for (const [operation, list] of Object.entries(contenders(name, document, python))) {
    const results = await measure(list);
    report.push({ document: name, bytes: document.length, operation, results });
    if (args.json) continue;
    process.stdout.write(`${operation} ${name}, ${document.length} bytes: medians of ${rounds} rounds\n`);
    for (const result of results) process.stdout.write(line(result));
  }
}
if (args.json) process.stdout.write(`${JSON.stringify(report)}\n`);
python?.[Symbol.dispose]();
