/**
 * Value encoding, format v1: how values lie in the log, in the state and in digests.
 *
 * MessagePack, with maps for structs (member order kept) and three extensions:
 *
 * | value | MessagePack |
 * |---|---|
 * | nil, boolean, string, base64, array | nil, bool, str, bin, array |
 * | int, and `number`s that are doubles | shortest int; float 64 |
 * | -0 as a plain number | extension 3, one byte 00 |
 * | i8 (`bigint`) | int 64, always 9 bytes |
 * | `Double` | extension 1, 8 bytes IEEE 754 big-endian |
 * | `DateTime` | extension 2, its text in ASCII |
 * | struct | map with string keys |
 *
 * Lossless: `decodeValue(encodeValue(v))` is identical to v. Canonical: the bytes depend on the value alone,
 * never on what the encoder wrote before.
 */
import type { Value } from "@quorate/protocol";
import { writeStorable } from "./storable.js";
import { ValueEncodingError, ValueReader } from "./value-reader.js";
import { readInSlices, slicedBytesMin } from "./value-slices.js";
import { ValueWriter } from "./value-writer.js";

const version = 1;

/** One for each kind of life: log entries stay in memory for a while, values and digests do not. */
const writer = new ValueWriter();
const entryWriter = new ValueWriter();
const storableWriter = new ValueWriter();
let storing = false;

/** A value as stored in the state: version byte, then its packed form. Throws `ValueEncodingError`. */
export function encodeValue(value: Value): Uint8Array {
  writer.start();
  writer.byte(version);
  writer.value(value);
  return writer.finish();
}

/**
 * What a handler stores, as `encodeValue` would write what `normalize` makes of it.
 * Throws `TypeMismatch` naming the place after `path` for what is no value.
 */
export function encodeStorable(input: unknown, path: string): Uint8Array {
  // A getter of the handler's object may store something else meanwhile.
  const own = storing ? new ValueWriter() : storableWriter;
  const outermost = !storing;
  storing = true;
  try {
    own.start();
    own.byte(version);
    writeStorable(own, input, path);
    return own.finish();
  } finally {
    if (outermost) storing = false;
  }
}

/** The inverse of `encodeValue`. Throws `ValueEncodingError` for anything else. */
export function decodeValue(bytes: Uint8Array): Value {
  checkVersion(bytes);
  return new ValueReader(bytes, 1).read();
}

/**
 * As `decodeValue`, for values of any size: a promise for a large one, which is read in slices, between which
 * sockets and timers get their turn. The bytes must not change until then. Throws or rejects with
 * `ValueEncodingError`.
 */
export function decodeLargeValue(bytes: Uint8Array): Value | Promise<Value> {
  if (bytes.length < slicedBytesMin) return decodeValue(bytes);
  checkVersion(bytes);
  return readInSlices(bytes, 1);
}

function checkVersion(bytes: Uint8Array): void {
  if (bytes[0] === version) return;
  throw new ValueEncodingError(
    `value encoding ${bytes[0] ?? "(empty)"} is unknown; this version reads ${version}`,
  );
}

/** Without a version byte, for what carries its version itself. Throws `ValueEncodingError`. */
export function packValue(value: Value): Uint8Array {
  writer.start();
  writer.value(value);
  return writer.finish();
}

/** As `packValue`, for results that are kept. */
export function packEntry(value: Value): Uint8Array {
  entryWriter.start();
  entryWriter.value(value);
  return entryWriter.finish();
}

/** The inverse of `packValue` and `packEntry`. Throws `ValueEncodingError` for anything else. */
export function unpackValue(bytes: Uint8Array): Value {
  return new ValueReader(bytes, 0).read();
}
