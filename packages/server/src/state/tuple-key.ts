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

/** Throws `TupleKeyError` for NaN, lone surrogates, other types, and keys longer than 8 KiB. */
export function encodeTuple(elements: readonly TupleElement[]): Uint8Array {
  const bytes: number[] = [];
  for (const element of elements) appendElement(bytes, element);
  return finished(bytes, tupleKeyBytesMax);
}

/** All keys that begin with `elements`; with `startsWith`, those whose next part is a string that begins so. */
export function prefixRange(elements: readonly TupleElement[], startsWith?: string): ByteRange {
  const bytes: number[] = [];
  for (const element of elements) appendElement(bytes, element);
  if (startsWith !== undefined) {
    bytes.push(tag.string);
    appendEscaped(bytes, utf8(startsWith));
  }
  const gte = finished(bytes, tupleKeyBytesMax);
  return { gte, lt: finished([...bytes, above], tupleKeyBytesMax + 1) };
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

function finished(bytes: number[], bytesMax: number): Uint8Array {
  if (bytes.length > bytesMax) throw new TupleKeyTooLong("a key", bytes.length, bytesMax);
  return Uint8Array.from(bytes);
}

function appendElement(bytes: number[], element: TupleElement): void {
  switch (typeof element) {
    case "boolean":
      bytes.push(element ? tag.true : tag.false);
      return;
    case "number":
      appendNumber(bytes, element);
      return;
    case "bigint":
      appendBigint(bytes, element);
      return;
    case "string":
      bytes.push(tag.string);
      appendEscaped(bytes, utf8(element));
      bytes.push(terminator);
      return;
    default:
      if (!(element instanceof Uint8Array)) {
        throw new TupleKeyError(
          `a key's part is a string, number, bigint, boolean or bytes, not ${kindOf(element)}`,
        );
      }
      bytes.push(tag.bytes);
      appendEscaped(bytes, element);
      bytes.push(terminator);
  }
}

function kindOf(element: unknown): string {
  return element === null ? "null" : Array.isArray(element) ? "an array" : typeof element;
}

function utf8(text: string): Uint8Array {
  if (/\p{Surrogate}/u.test(text)) throw new TupleKeyError("a key's string holds half a surrogate pair");
  return Buffer.from(text, "utf8");
}

function appendEscaped(bytes: number[], part: Uint8Array): void {
  if (part.length > tupleKeyBytesMax) {
    throw new TupleKeyTooLong("a key's part", part.length, tupleKeyBytesMax);
  }
  for (const byte of part) {
    bytes.push(byte);
    if (byte === 0) bytes.push(escaped);
  }
}

const scratch = new DataView(new ArrayBuffer(8));

function appendNumber(bytes: number[], number: number): void {
  if (Number.isNaN(number))
    throw new TupleKeyError("NaN has no place in an order and cannot be part of a key");
  scratch.setFloat64(0, number === 0 ? 0 : number);
  const flip = number < 0 ? 0xff : 0x00;
  bytes.push(tag.number, scratch.getUint8(0) ^ (number < 0 ? 0xff : 0x80));
  for (let at = 1; at < 8; at++) bytes.push(scratch.getUint8(at) ^ flip);
}

/** Magnitudes have at most this many bytes, so that the length byte stays between 01 and FE. */
const magnitudeBytesMax = 126;

function appendBigint(bytes: number[], value: bigint): void {
  const negative = value < 0n;
  let hex = (negative ? -value : value).toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  const magnitude = value === 0n ? [] : [...Buffer.from(hex, "hex")];
  if (magnitude.length > magnitudeBytesMax) {
    throw new TupleKeyTooLong("a key's bigint", magnitude.length, magnitudeBytesMax);
  }
  bytes.push(tag.bigint, negative ? 0x80 - magnitude.length : 0x80 + magnitude.length);
  for (const byte of magnitude) bytes.push(negative ? byte ^ 0xff : byte);
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
