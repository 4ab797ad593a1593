/** The codecs that the bench times, each in a process of its own: the garbage of one is not collected in another's time. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { programFile } from "./child.js";

export type Operation = "decode" | "encode";

export type Request =
  | { readonly name: string; readonly document: string }
  | { readonly name: string; readonly operation: Operation; readonly times: number };

/** CPython's `xmlrpc.client`, which reads with expat, written in C. The same requests as codec-contender.ts. */
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
    start = time.process_time()
    if request["operation"] == "decode":
        for _ in range(request["times"]): xmlrpc.client.loads(document)
    else:
        for _ in range(request["times"]): xmlrpc.client.dumps(values, methodresponse=True).encode("utf-8")
    print((time.process_time() - start) / request["times"] * 1e6, flush=True)
`;

export const cpython: readonly string[] = ["python3", "-c", python];
export const inNode = (codec: "fast-path" | "full-path" | "npm"): readonly string[] => [
  process.execPath,
  programFile("codec-contender.js"),
  codec,
];

/** A process that answers requests one after the other. */
export class Peer implements Disposable {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;

  constructor(private readonly command: readonly string[]) {
    const [program = "", ...args] = command;
    this.#process = spawn(program, args);
    this.#process.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async ask(request: Request): Promise<number> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`${this.command[0]} ended before it answered`);
    return Number(value);
  }

  [Symbol.dispose](): void {
    this.#process.stdin.end();
  }
}
