/** Times of the XML-RPC codec beside others, in turn within one run. See README.md in this folder. */
import { parseArgs } from "node:util";
import { isInstalled } from "../support/system.js";
import { cpython, inNode, type Operation, Peer } from "./codec-peers.js";

const { values: args } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    "warm-up": { type: "string", default: "500" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(args.rounds);
/** A blob is mostly copied: what it costs is memory's, and the system's that hands it out. */
const withGoals = new Set<string>(["small", "large"] satisfies (keyof typeof documents)[]);

/** Processor time that each contender spends per round. */
const roundMs = 20;
/** And before the first: Node compiles what it runs often while it runs. */
const warmUpMs = Number(args["warm-up"]);

interface Contender {
  readonly name: string;
  readonly peer: Peer;
  /** How many times as long as ours it is to take, at least. */
  readonly goals: { readonly [operation in Operation]?: number };
  readonly operations: readonly Operation[];
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

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

interface Result {
  readonly name: string;
  readonly microseconds: number;
  /** The median of what it took, divided by what ours took in the same round. */
  readonly ratio: number;
  readonly goal: number | undefined;
}

async function measure(list: readonly Contender[], name: string, operation: Operation): Promise<Result[]> {
  const time = ({ peer }: Contender, times: number) => peer.ask({ name, operation, times });
  const runs: { times: number; results: number[] }[] = [];
  for (const contender of list) {
    const warm = await timesIn(warmUpMs, (times) => time(contender, times));
    const times = Math.max(1, Math.round((roundMs * 1000) / (await time(contender, warm))));
    runs.push({ times, results: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [index, { times, results }] of runs.entries()) {
      results.push(await time(list[index] as Contender, times));
    }
  }
  const ours = runs[0]?.results ?? [];
  return list.map((contender, index) => {
    const { results = [] } = runs[index] ?? {};
    const ratio = median(results.map((taken, round) => taken / (ours[round] ?? taken)));
    const goal = withGoals.has(name) ? contender.goals[operation] : undefined;
    return { name: contender.name, microseconds: median(results), ratio, goal };
  });
}

/** How many times are a run of so many milliseconds of processor time, found by doubling: a warm-up on the way. */
async function timesIn(ms: number, time: (times: number) => Promise<number>): Promise<number> {
  let times = 1;
  while ((await time(times)) * times < ms * 1000) times *= 2;
  return times;
}

function line({ name, microseconds, ratio, goal }: Result): string {
  const verdict = goal === undefined ? "" : `  goal ${goal} x: ${ratio >= goal ? "met" : "MISSED"}`;
  const time = `${microseconds.toFixed(1)} µs`.padStart(14);
  return `  ${name.padEnd(12)}${time}${ratio.toFixed(2).padStart(9)} x${verdict}\n`;
}

const both: readonly Operation[] = ["decode", "encode"];
const goals = { cpython: { decode: 3, encode: 2 }, npm: { decode: 1, encode: 1 } };
const contenders: readonly Contender[] = [
  { name: "ours", peer: new Peer(inNode("fast-path")), goals: {}, operations: both },
  { name: "full path", peer: new Peer(inNode("full-path")), goals: {}, operations: ["decode"] },
  ...(isInstalled("python3")
    ? [{ name: "CPython", peer: new Peer(cpython), goals: goals.cpython, operations: both }]
    : []),
  { name: "npm xmlrpc", peer: new Peer(inNode("npm")), goals: goals.npm, operations: both },
];
const report: object[] = [];
for (const [name, document] of Object.entries(documents)) {
  for (const { peer } of contenders) await peer.ask({ name, document: document.toString() });
  for (const operation of both) {
    const list = contenders.filter(({ operations }) => operations.includes(operation));
    const results = await measure(list, name, operation);
    report.push({ document: name, bytes: document.length, operation, results });
    if (args.json) continue;
    process.stdout.write(`${operation} ${name}, ${document.length} bytes: medians of ${rounds} rounds\n`);
    for (const result of results) process.stdout.write(line(result));
  }
}
if (args.json) process.stdout.write(`${JSON.stringify(report)}\n`);
for (const { peer } of contenders) peer[Symbol.dispose]();
