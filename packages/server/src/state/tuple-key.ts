/**
 * Tuple keys, format v1: lists of parts encoded so that comparing the bytes compares the lists.
 *
 * | part | bytes | order |
 * |---|---|---|
 * | `false`, `true` | `10`, `11` | false first |
 * | number | `20`, then 8 bytes: IEEE 754 big-endian, sign bit flipped; all bits flipped when negative | numeric; -0 is 0 |
 * | bigint | `28`, then a length byte (`80` + n, or `80` - n when negative), then n bytes of magnitude, flipped when negative | numeric |
 * | string | `30`, then UTF-8 with 00 written as `00 FF`, then `00` | code point |
 * | bytes | `40`, then the bytes with 00 written as `00 FF`, then `00` | byte |
 *
 * Each part ends by itself, so a key sorts directly before the keys that continue it. No tag is FF, which
 * lets `FF` stand behind everything that begins with the same bytes. Parts of different types sort by tag.
 */

export type TupleElement = string | number | bigint | boolean | Uint8Array;
/** Bytes are at least `gte` and below `lt`. */
export interface ByteRange {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
}

const tag = { false: 0x10, true: 0x11, number: 0x20, bigint: 0x28, string: 0x30, bytes: 0x40 } as const;
const terminator = 0x00;
const escaped = 0xff;
/** Above every tag, every UTF-8 byte and (after a 00) every terminator's successor. */
const above = 0xff;

/** Longest key: LevelDB keeps keys whole in its index blocks. */
export const tupleKeyBytesMax = 8192;

/** A value that cannot be a key, or bytes that are none. */
export class TupleKeyError extends Error {
  override readonly name = "TupleKeyError";
}

/** More key than a key may have: the caller's data, not the service's code, is to blame. */
export class TupleKeyTooLong extends TupleKeyError {
  constructor(what: string, bytes: number, max: number) {
    super(`${what} of ${bytes} bytes is longer than ${max}`);
  }
}

/**
 * Behind `prefix`, when one is given, which counts for no limit.
 * Throws `TupleKeyError` for NaN, lone surrogates, other types, and keys longer than 8 KiB.
 */
export function encodeTuple(elements: readonly TupleElement[], prefix?: Uint8Array): Uint8Array {
  writer.start(prefix);
  for (const element of elements) appendElement(element);
  return writer.finish(tupleKeyBytesMax);
}

/** All keys that begin with `elements`; with `startsWith`, those whose next part is a string that begins so. */
export function prefixRange(elements: readonly TupleElement[], startsWith?: string): ByteRange {
  writer.start();
  for (const element of elements) appendElement(element);
  if (startsWith !== undefined) {
    writer.byte(tag.string);
    appendText(startsWith);
  }
  const gte = writer.finish(tupleKeyBytesMax);
  writer.byte(above);
  return { gte, lt: writer.finish(tupleKeyBytesMax + 1) };
}

/** The inverse of `encodeTuple`. Throws `TupleKeyError` for bytes that it does not produce. */
export function decodeTuple(bytes: Uint8Array): TupleElement[] {
  const elements: TupleElement[] = [];
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) elements.push(readElement(reader));
  return elements;
}

/** Byte order, the only order of keys there is. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Gathers the bytes of one key, in memory that serves the next key again. */
class KeyWriter {
  #bytes = Buffer.alloc(256);
  #length = 0;
  #prefixLength = 0;

  start(prefix?: Uint8Array): void {
    // One huge key does not keep its memory for ever.
    if (this.#bytes.length > keptLength) this.#bytes = Buffer.alloc(256);
    this.#length = 0;
    this.#prefixLength = prefix?.length ?? 0;
    if (prefix !== undefined) this.append(prefix);
  }

  byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** `text` as UTF-8. Returns what was written, to be looked at before anything else is. */
  text(text: string): Uint8Array {
    this.#reserve(3 * text.length);
    const start = this.#length;
    this.#length += this.#bytes.write(text, start);
    return this.#bytes.subarray(start, this.#length);
  }

  /** Takes the last `count` bytes back. */
  retract(count: number): void {
    this.#length -= count;
  }

  /** A copy of what was written; more may follow. */
  finish(bytesMax: number): Uint8Array {
    const length = this.#length - this.#prefixLength;
    if (length > bytesMax) throw new TupleKeyTooLong("a key", length, bytesMax);
    const key = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(key, 0, 0, this.#length);
    return key;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

const keptLength = 64 * 1024;
const writer = new KeyWriter();

function appendElement(element: TupleElement): void {
  switch (typeof element) {
    case "boolean":
      writer.byte(element ? tag.true : tag.false);
      return;
    case "number":
      appendNumber(element);
      return;
    case "bigint":
      appendBigint(element);
      return;
    case "string":
      writer.byte(tag.string);
      appendText(element);
      writer.byte(terminator);
      return;
    default:
      if (!(element instanceof Uint8Array)) {
        throw new TupleKeyError(
          `a key's part is a string, number, bigint, boolean or bytes, not ${kindOf(element)}`,
        );
      }
      writer.byte(tag.bytes);
      requireShort(element.length);
      appendEscaped(element);
      writer.byte(terminator);
  }
}

function kindOf(element: unknown): string {
  return element === null ? "null" : Array.isArray(element) ? "an array" : typeof element;
}

function appendText(text: string): void {
  if (!text.isWellFormed()) throw new TupleKeyError("a key's string holds half a surrogate pair");
  // Before memory is spent: it has a byte per UTF-16 unit at least.
  if (text.length > tupleKeyBytesMax) requireShort(Buffer.byteLength(text));
  const written = writer.text(text);
  requireShort(written.length);
  if (!written.includes(terminator)) return;
  const part = Uint8Array.from(written);
  writer.retract(part.length);
  appendEscaped(part);
}

function requireShort(bytes: number): void {
  if (bytes > tupleKeyBytesMax) throw new TupleKeyTooLong("a key's part", bytes, tupleKeyBytesMax);
}

function appendEscaped(part: Uint8Array): void {
  for (const byte of part) {
    writer.byte(byte);
    if (byte === 0) writer.byte(escaped);
  }
}

const scratch = new DataView(new ArrayBuffer(8));

function appendNumber(number: number): void {
  if (Number.isNaN(number))
    throw new TupleKeyError("NaN has no place in an order and cannot be part of a key");
  scratch.setFloat64(0, number === 0 ? 0 : number);
  const flip = number < 0 ? 0xff : 0x00;
  writer.byte(tag.number);
  writer.byte(scratch.getUint8(0) ^ (number < 0 ? 0xff : 0x80));
  for (let at = 1; at < 8; at++) writer.byte(scratch.getUint8(at) ^ flip);
}

/** Magnitudes have at most this many bytes, so that the length byte stays between 01 and FE. */
const magnitudeBytesMax = 126;

function appendBigint(value: bigint): void {
  const negative = value < 0n;
  let hex = (negative ? -value : value).toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  const magnitude = value === 0n ? [] : [...Buffer.from(hex, "hex")];
  if (magnitude.length > magnitudeBytesMax) {
    throw new TupleKeyTooLong("a key's bigint", magnitude.length, magnitudeBytesMax);
  }
  writer.byte(tag.bigint);
  writer.byte(negative ? 0x80 - magnitude.length : 0x80 + magnitude.length);
  for (const byte of magnitude) writer.byte(negative ? byte ^ 0xff : byte);
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

function readElement(reader: Reader): TupleElement {
  const found = reader.bytes[reader.at++];
  switch (found) {
    case tag.false:
      return false;
    case tag.true:
      return true;
    case tag.number:
      return readNumber(reader);
    case tag.bigint:
      return readBigint(reader);
    case tag.string:
      return readString(reader);
    case tag.bytes:
      return readEscaped(reader);
    default:
      throw new TupleKeyError(`byte ${found} at ${reader.at - 1} begins no part of a key`);
  }
}

function take(reader: Reader, count: number): Uint8Array {
  const end = reader.at + count;
  if (end > reader.bytes.length)
    throw new TupleKeyError(`the key ends inside a part, at ${reader.bytes.length}`);
  const taken = reader.bytes.slice(reader.at, end);
  reader.at = end;
  return taken;
}

function readNumber(reader: Reader): number {
  const taken = take(reader, 8);
  const positive = ((taken[0] ?? 0) & 0x80) !== 0;
  for (const [at, byte] of taken.entries())
    scratch.setUint8(at, byte ^ (positive ? (at === 0 ? 0x80 : 0) : 0xff));
  const number = scratch.getFloat64(0);
  if (Number.isNaN(number) || Object.is(number, -0)) {
    throw new TupleKeyError(`the key holds ${Object.is(number, -0) ? "-0" : "NaN"}, which no key can`);
  }
  return number;
}

function readBigint(reader: Reader): bigint {
  const length = (take(reader, 1)[0] ?? 0) - 0x80;
  const negative = length < 0;
  const magnitude = take(reader, Math.abs(length)).map((byte) => (negative ? byte ^ 0xff : byte));
  if (magnitude[0] === 0 || Math.abs(length) > magnitudeBytesMax) {
    throw new TupleKeyError("the key holds a bigint that is not in its shortest form");
  }
  const value = length === 0 ? 0n : BigInt(`0x${Buffer.from(magnitude).toString("hex")}`);
  return negative ? -value : value;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readString(reader: Reader): string {
  const part = readEscaped(reader);
  try {
    return strictUtf8.decode(part);
  } catch {
    throw new TupleKeyError("the key holds a string that is not UTF-8");
  }
}

function readEscaped(reader: Reader): Uint8Array {
  const part: number[] = [];
  for (;;) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) throw new TupleKeyError(`the key ends inside a part, at ${reader.bytes.length}`);
    if (byte === 0) {
      if (reader.bytes[reader.at] !== escaped) return Uint8Array.from(part);
      reader.at++;
    }
    part.push(byte);
  }
}
