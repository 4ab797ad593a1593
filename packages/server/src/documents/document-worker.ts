/** The other thread's side of `document-thread.ts`: reads calls and writes answers, one after the other. */
import { parentPort } from "node:worker_threads";
import { DecodeError, decodeCall, EncodeError, encodeResponse, type Value } from "@quorate/protocol";
import { encodeSlots } from "../rpc/multicall-answer.js";
import { decodeValue, encodeValue } from "../state/value-encoding.js";
import type { Job, JobResult } from "./jobs.js";

const port = parentPort;
if (port === null) throw new Error("document-worker is a thread of a server, not a program");

port.on("message", (job: Job) => {
  const result = run(job);
  port.postMessage(result, "bytes" in result ? [result.bytes.buffer] : []);
});

function run(job: Job): JobResult {
  const { id } = job;
  try {
    const bytes = bytesOf(job);
    // A copy in memory of its own: what is handed over must not be a part of something that is still needed here.
    return { id, bytes: new Uint8Array(bytes) };
  } catch (error) {
    if (error instanceof DecodeError) return { id, refused: { code: error.code, message: error.message } };
    if (error instanceof EncodeError) return { id, unwritable: error.message };
    return { id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function bytesOf(job: Job): Uint8Array {
  switch (job.kind) {
    case "read":
      return readCall(job);
    case "write":
      return encodeResponse(decodeValue(job.packed), job.options);
    case "writeSlots":
      return encodeSlots(decodeValue(job.packed) as Value[], job.options.dialect);
  }
}

function readCall({ document, options }: Job & { readonly kind: "read" }): Uint8Array {
  const { method, params } = decodeCall(document, options);
  return encodeValue([method, params]);
}
