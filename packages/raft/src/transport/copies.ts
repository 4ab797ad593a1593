/**
 * Copies of messages, for the spare connection. Every message of a stream has a number, so that the other end
 * hands out each one once, on whichever connection it comes first:
 *
 *     control   numbering(stream, 5)  5  6  7 …      numbers are counted, not sent
 *     spare     copy(stream, 6, …)  copy(stream, 7, …)
 */

import { FieldReader } from "./field-reader.js";
import { encodeFrame, type Frame, FrameError, FrameType, unpackBody } from "./frame.js";

/** Larger messages are not copied: the spare connection must stay quick. */
export const COPY_BYTES_MAX = 32 * 1024;

const HEADER_BYTES = 5;
/** The newest messages that are kept until it is known that they arrived. */
const KEPT_MAX = 256;
const KEPT_BYTES_MAX = 128 * 1024;

export interface Copy {
  readonly stream: number;
  readonly number: number;
  readonly type: number;
  readonly body: Uint8Array;
}

export function encodeNumbering(stream: number, next: number): Frame {
  return encodeFrame(FrameType.numbering, [stream, next]);
}

export function decodeNumbering(body: Uint8Array): { readonly stream: number; readonly next: number } {
  const fields = new FieldReader("numbering", unpackBody(body));
  return { stream: fields.integer("stream"), next: fields.integer("next", 1) };
}

/** `frame` is a message's, of at most `COPY_BYTES_MAX` and therefore in one part. */
export function encodeCopy(stream: number, number: number, frame: Frame): Frame {
  const [whole] = frame.parts;
  if (whole === undefined || frame.parts.length !== 1)
    throw new Error("a frame in several parts is not copied");
  const type = whole[HEADER_BYTES - 1];
  return encodeFrame(FrameType.copy, [stream, number, type, whole.subarray(HEADER_BYTES)]);
}

export function decodeCopy(type: number, body: Uint8Array): Copy {
  if (type !== FrameType.copy) throw new FrameError(`frame type ${type}: expected a copy`);
  const fields = new FieldReader("copy", unpackBody(body));
  const stream = fields.integer("stream");
  const number = fields.integer("number", 1);
  return { stream, number, type: fields.integer("type"), body: fields.bytes("body") };
}

interface Kept {
  readonly number: number;
  readonly frame: Frame;
  /** On so many spare connections it was tried. */
  tried: number;
}

/** The newest messages to a peer of which it is not known that they arrived; bounded. */
export class KeptMessages {
  #kept: Kept[] = [];
  #bytes = 0;

  add(number: number, frame: Frame, tried: number): void {
    this.#kept.push({ number, frame, tried });
    this.#bytes += frame.bytes;
    while (this.#kept.length > KEPT_MAX || this.#bytes > KEPT_BYTES_MAX) this.#drop();
  }

  /** Everything up to that number has arrived. */
  arrived(number: number): void {
    while ((this.#kept[0]?.number ?? Number.POSITIVE_INFINITY) <= number) this.#drop();
  }

  clear(): void {
    this.#kept = [];
    this.#bytes = 0;
  }

  /** Those that were tried on fewer than `depth` spare connections, oldest first, with the first that is left. */
  copyTo(depth: number, copy: (number: number, frame: Frame, from: number) => void): void {
    for (const kept of this.#kept) {
      if (kept.tried >= depth) continue;
      copy(kept.number, kept.frame, kept.tried);
      kept.tried = depth;
    }
  }

  #drop(): void {
    this.#bytes -= this.#kept.shift()?.frame.bytes ?? 0;
  }
}
