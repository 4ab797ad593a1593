/** Times of the XML-RPC codec, in one process and in turn. See README.md in this folder. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { parseArgs } from "node:util";
import { decodeCall, encodeResponse } from "@quorate/protocol";
import { isInstalled } from "../support/system.js";

const { values: args } = parseArgs({
  options: { rounds: { type: "string", default: "15" }, json: { type: "boolean", default: false } },
});
const rounds = Number(args.rounds);
/** How long each operation runs per round. */
const roundMs = 20;

/** Runs an operation so often and gives the time that one took, in microseconds. */
type Timing = (times: number) => number | Promise<number>;

interface Operation {
  readonly name: string;
  readonly time: Timing;
}

const python = `
import json, sys, time, xmlrpc.client
kept = {}
for line in sys.stdin:
    request = json.loads(line)
    if "document" in request:
        document = request["document"].encode("utf-8")
        kept[request["name"]] = (document, xmlrpc.client.loads(document)[0][:1])
        print(0, flush=True)
        continue
    document, values = kept[request["name"]]
    start = time.perf_counter()
    if request["operation"] == "decode":
        for _ in range(request["times"]): xmlrpc.client.loads(document)
    else:
        for _ in range(request["times"]): xmlrpc.client.dumps(values, methodresponse=True).encode("utf-8")
    print((time.perf_counter() - start) / request["times"] * 1e6, flush=True)
`;

/** CPython's `xmlrpc.client`, which reads with expat, written in C. */
class Python implements Disposable {
  readonly #process: ChildProcessWithoutNullStreams = spawn("python3", ["-c", python]);
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;

  constructor() {
    this.#process.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async ask(request: object): Promise<number> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error("python3 ended before it answered");
    return Number(value);
  }

  [Symbol.dispose](): void {
    this.#process.stdin.end();
  }
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

const small = call("<value><string>part 4711: bolts &amp; nuts, the box of forty</string></value>\n");
const large = call(
  `<value><array><data>\n${Array.from({ length: 1000 }, (_, index) => item(index)).join("")}</data></array></value>\n`,
);
const blob = call(`<value><base64>\n${`${"QUJD".repeat(19)}\n`.repeat(2 ** 21 / 77)}</base64></value>\n`);

function timing(run: () => unknown): Timing {
  return (times) => {
    const start = performance.now();
    for (let count = 0; count < times; count++) run();
    return ((performance.now() - start) * 1000) / times;
  };
}

function operations(name: string, document: Buffer, peer: Python | undefined): Operation[] {
  const [value = null] = decodeCall(document).params;
  const list: Operation[] = [
    { name: "decode, fast path", time: timing(() => decodeCall(document)) },
    { name: "decode, full path", time: timing(() => decodeCall(document, { fastPath: false })) },
    { name: "encode", time: timing(() => encodeResponse(value)) },
  ];
  if (peer === undefined) return list;
  for (const operation of ["decode", "encode"]) {
    list.push({
      name: `${operation}, CPython`,
      time: (times) => peer.ask({ name, operation, times }),
    });
  }
  return list;
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

async function measure(list: readonly Operation[]): Promise<{ operation: string; microseconds: number }[]> {
  const runs: { times: number; results: number[] }[] = [];
  for (const { time } of list) {
    let times = 1;
    for (let spent = 0; spent < roundMs; times *= 2) spent = ((await time(times)) * times) / 1000;
    runs.push({ times, results: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [index, { times, results }] of runs.entries()) {
      results.push(await (list[index] as Operation).time(times));
    }
  }
  return list.map(({ name }, index) => ({
    operation: name,
    microseconds: median(runs[index]?.results ?? []),
  }));
}

const peer = isInstalled("python3") ? new Python() : undefined;
const report: object[] = [];
for (const [name, document] of Object.entries({ small, large, blob })) {
  await peer?.ask({ name, document: document.toString() });
  const results = await measure(operations(name, document, peer));
  report.push({ document: name, bytes: document.length, results });
  if (args.json) continue;
  const unit = results[0]?.microseconds ?? 1;
  process.stdout.write(`${name} document, ${document.length} bytes: medians of ${rounds} rounds\n`);
  for (const { operation, microseconds } of results) {
    const time = `${microseconds.toFixed(1)} µs`.padStart(14);
    process.stdout.write(
      `  ${operation.padEnd(20)}${time}${(microseconds / unit).toFixed(2).padStart(9)} x\n`,
    );
  }
}
if (args.json) process.stdout.write(`${JSON.stringify(report)}\n`);
peer?.[Symbol.dispose]();
