/** Other XML-RPC codecs that the bench times beside ours: CPython's, in a process of its own, and npm's `xmlrpc`. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface, type Interface } from "node:readline";
import { PassThrough, type Readable } from "node:stream";
import { DateTime, Double, type Struct, type Value } from "@quorate/protocol";

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

/** CPython's `xmlrpc.client`, which reads with expat, written in C. */
export class Python implements Disposable {
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

interface Deserializer {
  deserializeMethodCall(stream: Readable, done: (error: Error | null) => void): void;
}

const require = createRequire(import.meta.url);
const NpmDeserializer = require("xmlrpc/lib/deserializer") as new () => Deserializer;
const npmSerializer = require("xmlrpc/lib/serializer") as { serializeMethodResponse(value: unknown): string };

/** As its server reads a request: from a stream. */
export function npmDecode(document: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = new PassThrough();
    new NpmDeserializer().deserializeMethodCall(stream, (error) =>
      error === null ? resolve() : reject(error),
    );
    stream.end(document);
  });
}

export function npmEncode(value: unknown): Buffer {
  return Buffer.from(npmSerializer.serializeMethodResponse(value));
}

/** The value as npm's `xmlrpc` takes it. */
export function npmValue(value: Value): unknown {
  if (Array.isArray(value)) return value.map(npmValue);
  if (value instanceof Double) return value.value;
  if (value instanceof DateTime) return value.text;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value as Struct).map(([name, member]) => [name, npmValue(member)]),
  );
}
