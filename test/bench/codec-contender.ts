/**
 * One codec in a process of its own, for codec.ts: reads a request a line, answers each with a number. The requests:
 * `{name, document}` remembers a document, `{name, operation, times}` asks for the processor time in microseconds that
 * one of so many operations took.
 */
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { PassThrough, type Readable } from "node:stream";
import { DateTime, Double, decodeCall, encodeResponse, type Struct, type Value } from "@quorate/protocol";
import type { Request } from "./codec-peers.js";

interface Codec {
  readonly decode: (document: Buffer) => unknown;
  readonly encode: (value: Value) => unknown;
  /** The value as the codec takes it, default as it is. */
  readonly prepare?: (value: Value) => unknown;
}

interface Deserializer {
  deserializeMethodCall(stream: Readable, done: (error: Error | null) => void): void;
}

const codecs: Record<string, () => Codec> = {
  "fast-path": () => ({ decode: (document) => decodeCall(document), encode: encodeResponse }),
  "full-path": () => ({
    decode: (document) => decodeCall(document, { fastPath: false }),
    encode: encodeResponse,
  }),
  npm: () => {
    const require = createRequire(import.meta.url);
    const Deserializer = require("xmlrpc/lib/deserializer") as new () => Deserializer;
    const serializer = require("xmlrpc/lib/serializer") as {
      serializeMethodResponse(value: unknown): string;
    };
    return {
      // As its server reads a request: from a stream.
      decode: (document) =>
        new Promise<void>((resolve, reject) => {
          const stream = new PassThrough();
          new Deserializer().deserializeMethodCall(stream, (error) =>
            error === null ? resolve() : reject(error),
          );
          stream.end(document);
        }),
      encode: (value) => Buffer.from(serializer.serializeMethodResponse(value)),
      prepare: npmValue,
    };
  },
};

/** The value as npm's `xmlrpc` takes it. */
function npmValue(value: Value): unknown {
  if (Array.isArray(value)) return value.map(npmValue);
  if (value instanceof Double) return value.value;
  if (value instanceof DateTime) return value.text;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value as Struct).map(([name, member]) => [name, npmValue(member)]),
  );
}

/** Of this process, its helper threads included: who else uses the machine does not count. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const codec = codecs[process.argv[2] ?? ""]?.();
if (codec === undefined) throw new Error(`expected one of ${Object.keys(codecs)}, got ${process.argv[2]}`);
const kept = new Map<string, { readonly document: Buffer; readonly value: unknown }>();

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${await answer(codec, JSON.parse(line) as Request)}\n`);
}

async function answer({ decode, encode, prepare }: Codec, request: Request): Promise<number> {
  if ("document" in request) {
    const document = Buffer.from(request.document);
    const [value = null] = decodeCall(document).params;
    kept.set(request.name, { document, value: prepare?.(value) ?? value });
    return 0;
  }
  const { document, value } = kept.get(request.name) ?? { document: Buffer.alloc(0), value: null };
  const { operation, times } = request;
  const start = processorTime();
  if (operation === "encode") for (let count = 0; count < times; count++) encode(value as Value);
  else if (decode(document) instanceof Promise)
    for (let count = 1; count < times; count++) await decode(document);
  else for (let count = 1; count < times; count++) decode(document);
  return (processorTime() - start) / times;
}
