/**
 * Large documents are read and written in a thread of their own, because consensus shares the event loop: a
 * leader that parses for half a second loses its followers. The other thread does what is slow, XML; what passes
 * between the threads is the value encoding, which is read in a small part of the time, and in slices.
 *
 *     document ─▶ [thread: decodeCall ─▶ encodeValue] ─▶ decodeLargeValue ─▶ call
 *     result ─▶ encodeValue ─▶ [thread: decodeValue ─▶ encodeResponse] ─▶ document
 *
 * One job at a time, in order; what waits is bounded. The thread starts with the first large document. It has a
 * heap of its own, so that a document which needs too much memory ends the thread and never the node.
 */
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import {
  type DecodeOptions,
  EncodeError,
  type EncodeOptions,
  Fault,
  faultCodes,
  type Value,
} from "@quorate/protocol";
import type { LargeDocuments } from "../rpc/ports.js";
import { decodeLargeValue, encodeValue } from "../state/value-encoding.js";
import type { Job, JobResult } from "./jobs.js";

/** From here on reading by the slow path takes longer than a call may hold up the event loop. */
const bytesMin = 64 * 1024;
const heapMiBDefault = 1024;
/** What `encodeValue` makes of more bytes has its memory to itself, and is handed over instead of copied. */
const ownMemoryMin = 4 * 1024;
/** Documents that wait, in units of the largest one that is taken. */
const waitingDocumentsMax = 4;
const waitingBytesMin = 64 * 1024 * 1024;

/** The built file also where the sources run, as in tests: a thread's code is JavaScript. */
const workerFile = createRequire(import.meta.url).resolve("@quorate/server/document-worker");

export interface DocumentThreadOptions {
  /** The largest document that is taken. */
  readonly bytesMax: number;
  readonly onFailure: (error: unknown, where: string) => void;
  /** MiB of the thread's heap; default 1024. */
  readonly heapMiB?: number;
}

interface Waiting {
  readonly bytes: number;
  readonly done: (result: Uint8Array | Error) => void;
}

/** A job without its number. */
type Order =
  | { readonly kind: "read"; readonly document: Uint8Array; readonly options: DecodeOptions }
  | { readonly kind: "write" | "writeSlots"; readonly packed: Uint8Array; readonly options: EncodeOptions };

/** The thread ended, for want of memory, with this job before it or in it. */
class ThreadLost extends Error {
  override readonly name = "ThreadLost";
  constructor() {
    super("this document, or another large one before it, takes too much memory");
  }
}

export class DocumentThread implements LargeDocuments {
  readonly bytesMin = bytesMin;
  readonly #options: DocumentThreadOptions;
  readonly #waiting = new Map<number, Waiting>();
  #waitingBytes = 0;
  #lastId = 0;
  #worker: Worker | undefined;

  constructor(options: DocumentThreadOptions) {
    this.#options = options;
  }

  readCall: LargeDocuments["readCall"] = (document, options, done) => {
    if (!this.#hasRoom(document.length)) {
      const sentence = "overloaded, the call was not executed: too many large documents are waiting already";
      done(new Fault(faultCodes.overloaded, sentence));
      return;
    }
    // Handed over instead of copied, where its memory holds nothing else.
    const { buffer, byteLength } = document;
    const transfer = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
    this.#order({ kind: "read", document, options }, byteLength, transfer, (result) => {
      if (result instanceof ThreadLost) {
        done(new Fault(faultCodes.tooLarge, `too large, the call was not executed: ${result.message}`));
        return;
      }
      if (result instanceof Error) {
        done(result);
        return;
      }
      void this.#deliver(result, done);
    });
  };

  async #deliver(packed: Uint8Array, done: Parameters<LargeDocuments["readCall"]>[2]): Promise<void> {
    const [method, params] = (await decodeLargeValue(packed)) as [string, Value[]];
    done({ method, params });
  }

  writeResponse: LargeDocuments["writeResponse"] = (value, options, done) =>
    this.#write("write", value, options, done);

  writeSlots: LargeDocuments["writeSlots"] = (slots, options, done) =>
    this.#write("writeSlots", [...slots], options, done);

  /** What waits is answered as not executed. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #write(
    kind: "write" | "writeSlots",
    value: Value,
    options: EncodeOptions,
    done: (result: Uint8Array | Error) => void,
  ): void {
    // To make the value took its time: to pack it takes another turn.
    setImmediate(() => {
      let packed: Uint8Array;
      try {
        packed = encodeValue(value);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      // The call was executed: its answer is not refused because others wait.
      const transfer = packed.length >= ownMemoryMin ? [packed.buffer as ArrayBuffer] : [];
      this.#order({ kind, packed, options }, packed.length, transfer, (result) =>
        done(result instanceof ThreadLost ? new EncodeError(result.message) : result),
      );
    });
  }

  #hasRoom(bytes: number): boolean {
    const bytesMax = Math.max(waitingBytesMin, waitingDocumentsMax * this.#options.bytesMax);
    return this.#waitingBytes + bytes <= bytesMax;
  }

  #order(order: Order, bytes: number, transfer: ArrayBuffer[], done: Waiting["done"]): void {
    const id = ++this.#lastId;
    this.#waiting.set(id, { bytes, done });
    this.#waitingBytes += bytes;
    this.#worker ??= this.#start();
    const job: Job = { ...order, id };
    this.#worker.postMessage(job, transfer);
  }

  #start(): Worker {
    const { heapMiB = heapMiBDefault } = this.#options;
    const worker = new Worker(workerFile, { resourceLimits: { maxOldGenerationSizeMb: heapMiB } });
    worker.on("message", (result: JobResult) => this.#finish(result));
    worker.on("error", (error) => this.#options.onFailure(error, "reading a large document"));
    worker.on("exit", () => {
      this.#worker = undefined;
      // The thread is started again with the next large document. Which one was too much is not known.
      for (const id of [...this.#waiting.keys()]) this.#settle(id, new ThreadLost());
    });
    worker.unref();
    return worker;
  }

  #finish(result: JobResult): void {
    if ("bytes" in result) this.#settle(result.id, result.bytes);
    else if ("refused" in result)
      this.#settle(result.id, new Fault(result.refused.code, result.refused.message));
    else if ("unwritable" in result) this.#settle(result.id, new EncodeError(result.unwritable));
    else this.#settle(result.id, new Error(`a large document: ${result.failure}`));
  }

  #settle(id: number, result: Uint8Array | Error): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.#waitingBytes -= waiting.bytes;
    waiting.done(result);
  }
}
