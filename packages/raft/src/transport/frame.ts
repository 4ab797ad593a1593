/**
 * Frames: what travels between two servers, and nothing else does.
 *
 *     length u32 big-endian │ type u8 │ body: one msgpack array, positions fixed, append-only
 *
 * `length` counts the type byte and the body. A reader ignores positions that it does not know (a newer
 * version appended them). Every byte is hostile until checked: the length is compared with the cap before
 * anything is allocated, the body's structure before it is unpacked, every value before it is used.
 */
import { Packr } from "msgpackr";
import { checkBody } from "./msgpack-guard.js";

/** Bytes of a peer that break the rules. The connection that brought them is closed; nothing else changes. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** First byte after the length. Part of the wire format: append, never renumber. */
export const FrameType = {
  hello: 1,
  helloAnswer: 2,
  dialerProof: 3,
  acceptorIntroduction: 4,
  dialerIntroduction: 5,
  accept: 6,
  refuse: 7,
  probe: 8,
  alive: 9,
  preVoteRequest: 16,
  preVoteResponse: 17,
  requestVote: 18,
  requestVoteResponse: 19,
  appendEntries: 20,
  appendEntriesAccepted: 21,
  appendEntriesRejected: 22,
  heartbeat: 23,
  heartbeatResponse: 24,
  timeoutNow: 25,
  readIndexRequest: 26,
  readIndexResponse: 27,
  birth: 28,
  installSnapshot: 29,
  numbering: 30,
  copy: 31,
  request: 48,
  answer: 49,
  snapshotRequest: 50,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Before the other side has proved that it knows the secret, its frames are capped at this many bytes. */
export const HANDSHAKE_FRAME_BYTES_MAX = 8192;

const LENGTH_BYTES = 4;
const HEADER_BYTES = LENGTH_BYTES + 1;
/** Up to here header and body are joined by a copy; beyond it they travel as two buffers of one write. */
const JOIN_BYTES_MAX = 64 * 1024;
/** From here on bytes are a part of their own in a large frame. */
const PART_BYTES_MIN = 64 * 1024;
const BIN_32 = 0xc6;
const ARRAY_32 = 0xdd;

const packr = new Packr({ useRecords: false, moreTypes: false, bundleStrings: false, int64AsType: "bigint" });

/** A frame ready for the socket: its parts in order, and their length in bytes. */
export interface Frame {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
}

/** Bytes of one msgpack array. */
export function packBody(fields: readonly unknown[]): Uint8Array {
  return packr.pack(fields);
}

/** The array that `body` holds. Throws `FrameError` when it holds anything else. */
export function unpackBody(body: Uint8Array): readonly unknown[] {
  const fault = checkBody(body);
  if (fault !== null) throw new FrameError(fault);
  const fields: unknown = packr.unpack(body);
  if (!Array.isArray(fields)) throw new FrameError("body: expected one msgpack array");
  return fields;
}

/** @param payloadBytes of the `Uint8Array`s among the fields, where there may be large ones */
export function encodeFrame(type: FrameType, fields: readonly unknown[], payloadBytes = 0): Frame {
  const large = payloadBytes >= PART_BYTES_MIN && holdsLarge(fields);
  return large ? largeFrame(type, fields) : frameOf(type, packBody(fields));
}

/** Large `Uint8Array`s become parts of the frame as they are: packed, each would be copied, for each peer anew. */
function largeFrame(type: FrameType, fields: readonly unknown[]): Frame {
  const parts: Uint8Array[] = [];
  let small: Uint8Array[] = [Buffer.alloc(HEADER_BYTES)];
  let bytes = HEADER_BYTES;
  const add = (part: Uint8Array) => {
    bytes += part.length;
    small.push(part);
  };
  const addField = (field: unknown) => {
    if (field instanceof Uint8Array && field.length >= PART_BYTES_MIN) {
      add(headOf(BIN_32, field.length));
      parts.push(Buffer.concat(small), field);
      small = [];
      bytes += field.length;
    } else if (Array.isArray(field) && field.some(holdsLarge)) {
      add(headOf(ARRAY_32, field.length));
      field.forEach(addField);
    } else {
      add(packr.pack(field));
    }
  };
  addField(fields);
  if (small.length > 0) parts.push(Buffer.concat(small));
  const head = parts[0] as Buffer;
  head.writeUInt32BE(bytes - LENGTH_BYTES, 0);
  head.writeUInt8(type, LENGTH_BYTES);
  return { parts, bytes };
}

function holdsLarge(field: unknown): boolean {
  if (field instanceof Uint8Array) return field.length >= PART_BYTES_MIN;
  return Array.isArray(field) && field.some(holdsLarge);
}

/** msgpack's token of 32 bits for the length of what follows. */
function headOf(token: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(5);
  head.writeUInt8(token, 0);
  head.writeUInt32BE(length, 1);
  return head;
}

/** A frame around a body that is packed already. */
export function frameOf(type: FrameType, body: Uint8Array): Frame {
  const bytes = HEADER_BYTES + body.length;
  const joined = bytes <= JOIN_BYTES_MAX;
  const head = Buffer.allocUnsafe(joined ? bytes : HEADER_BYTES);
  head.writeUInt32BE(1 + body.length, 0);
  head.writeUInt8(type, LENGTH_BYTES);
  if (!joined) return { parts: [head, body], bytes };
  head.set(body, HEADER_BYTES);
  return { parts: [head], bytes };
}

/**
 * Cuts a stream of socket chunks into frames. A frame that lies in one chunk is handed out as a view of it; one
 * that does not is copied once, piece by piece, into a buffer of its own size: linear, however the chunks fall.
 */
export class FrameReader {
  readonly #onFrame: (type: number, body: Uint8Array) => void;
  #frameBytesMax: number;
  #stopped = false;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  /** The body under construction; null while the header is incomplete. */
  #body: Uint8Array | null = null;
  #bodyFilled = 0;

  constructor(frameBytesMax: number, onFrame: (type: number, body: Uint8Array) => void) {
    this.#frameBytesMax = frameBytesMax;
    this.#onFrame = onFrame;
  }

  /** The cap for frames whose header has not been read yet; may be raised from inside `onFrame`. */
  set frameBytesMax(bytes: number) {
    this.#frameBytesMax = bytes;
  }

  /** No further frame is handed out, not even from the chunk that is being read. */
  stop(): void {
    this.#stopped = true;
    this.#body = null;
  }

  /** Throws `FrameError`; the stream is unusable afterwards. What `onFrame` throws passes through. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      at = this.#body === null ? this.#readHeader(chunk, at) : this.#readBody(this.#body, chunk, at);
    }
  }

  #readHeader(chunk: Uint8Array, from: number): number {
    const to = Math.min(chunk.length, from + HEADER_BYTES - this.#headerFilled);
    this.#header.set(chunk.subarray(from, to), this.#headerFilled);
    this.#headerFilled += to - from;
    if (this.#headerFilled < HEADER_BYTES) return to;

    const length = this.#header.readUInt32BE(0);
    if (length === 0) throw new FrameError("frame of length 0: a frame has at least its type byte");
    if (LENGTH_BYTES + length > this.#frameBytesMax) {
      throw new FrameError(
        `frame of ${LENGTH_BYTES + length} bytes: at most ${this.#frameBytesMax} allowed here`,
      );
    }
    this.#headerFilled = 0;
    const bodyBytes = length - 1;
    if (chunk.length - to >= bodyBytes) {
      this.#onFrame(this.#header.readUInt8(LENGTH_BYTES), viewOf(chunk, to, bodyBytes));
      return to + bodyBytes;
    }
    this.#body = new Uint8Array(bodyBytes);
    this.#bodyFilled = 0;
    return to;
  }

  #readBody(body: Uint8Array, chunk: Uint8Array, from: number): number {
    const to = Math.min(chunk.length, from + body.length - this.#bodyFilled);
    body.set(chunk.subarray(from, to), this.#bodyFilled);
    this.#bodyFilled += to - from;
    if (this.#bodyFilled === body.length) {
      this.#body = null;
      this.#onFrame(this.#header.readUInt8(LENGTH_BYTES), body);
    }
    return to;
  }
}

/** A plain `Uint8Array` (not a `Buffer`) over the same memory. */
function viewOf(chunk: Uint8Array, offset: number, length: number): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset + offset, length);
}
