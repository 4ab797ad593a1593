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
 * never on what the encoder wrote before (no record structures, no bundled strings).
 */
import { DateTime, Double, type Struct, struct, type Value } from "@quorate/protocol";
import { addExtension, Packr } from "msgpackr";
import { assertPacked, extensionTypes, packedDepthMax, ValueEncodingError } from "./value-guard.js";

const version = 1;
/** Small results share their piece with each other, so that none of it is lost. */
const sharedLengthMax = 2048;
const i8Min = -(2n ** 63n);
const i8Max = 2n ** 63n - 1n;

/** msgpackr writes -0 as 0; this stands in for it on its way through. */
class NegativeZero {}
const negativeZero = new NegativeZero();

addExtension({
  Class: Double,
  type: extensionTypes.double,
  pack(double: Double) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(double.value);
    return bytes;
  },
  unpack: (bytes: Buffer) => new Double(new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0)),
});
addExtension({
  Class: DateTime,
  type: extensionTypes.dateTime,
  pack: (dateTime: DateTime) => Buffer.from(dateTime.text, "latin1"),
  unpack: (bytes: Buffer) => new DateTime(Buffer.from(bytes).toString("latin1")),
});
addExtension({
  Class: NegativeZero,
  type: extensionTypes.negativeZero,
  pack: () => Buffer.alloc(1),
  unpack: () => negativeZero,
});

const packr = new Packr({ useRecords: false, mapsAsObjects: false, int64AsType: "bigint" });

/** A value as stored in the state: version byte, then its packed form. Throws `ValueEncodingError`. */
export function encodeValue(value: Value): Uint8Array {
  const packed = packValue(value);
  const bytes = new Uint8Array(packed.length + 1);
  bytes[0] = version;
  bytes.set(packed, 1);
  return bytes;
}

/** The inverse of `encodeValue`. Throws `ValueEncodingError` for anything else. */
export function decodeValue(bytes: Uint8Array): Value {
  if (bytes[0] !== version) {
    throw new ValueEncodingError(
      `value encoding ${bytes[0] ?? "(empty)"} is unknown; this version reads ${version}`,
    );
  }
  return unpackValue(bytes.subarray(1));
}

/** Without a version byte, for what carries its version itself. Throws `ValueEncodingError`. */
export function packValue(value: Value): Uint8Array {
  const packed: Uint8Array = packr.pack(toPacked(value, 0));
  // msgpackr cuts its results out of a larger piece, which a long-lived result would keep alive with it.
  return packed.length > sharedLengthMax ? new Uint8Array(packed) : packed;
}

/** The inverse of `packValue`. Throws `ValueEncodingError` for anything else. */
export function unpackValue(bytes: Uint8Array): Value {
  assertPacked(bytes);
  try {
    return fromPacked(packr.unpack(bytes));
  } catch (error) {
    throw new ValueEncodingError("the value cannot be read", { cause: error });
  }
}

/** What msgpackr sees: Maps instead of structs. */
type Packed = unknown;

function toPacked(value: Value, depth: number): Packed {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) throw new ValueEncodingError(`${value} is no value`);
      return Object.is(value, -0) ? negativeZero : value;
    case "bigint":
      if (value < i8Min || value > i8Max) throw new ValueEncodingError(`${value} is beyond 64 bits`);
      return value;
    case "string":
      return wellFormed(value);
    case "boolean":
      return value;
    case "object":
      break;
    default:
      throw new ValueEncodingError(`a ${typeof value} is no value`);
  }
  if (value === null || value instanceof DateTime || value instanceof Uint8Array) return value;
  if (value instanceof Double) {
    if (!Number.isFinite(value.value)) throw new ValueEncodingError(`${value.value} is no value`);
    return value;
  }
  if (depth >= packedDepthMax)
    throw new ValueEncodingError(`more than ${packedDepthMax} containers inside each other`);
  if (Array.isArray(value)) return value.map((item) => toPacked(item, depth + 1));
  const members = new Map<string, Packed>();
  for (const [name, member] of Object.entries(value))
    members.set(wellFormed(name), toPacked(member, depth + 1));
  return members;
}

function wellFormed(text: string): string {
  // UTF-8 has no form for it: it would come back as another string.
  if (!text.isWellFormed()) throw new ValueEncodingError("a string holds half a surrogate pair");
  return text;
}

/** The guard has let only our own tokens through, so these are all cases. */
function fromPacked(packed: Packed): Value {
  if (typeof packed !== "object" || packed === null) return packed as Value;
  if (packed === negativeZero) return -0;
  if (Array.isArray(packed)) return packed.map(fromPacked);
  if (packed instanceof Map) {
    const result: Struct = struct();
    for (const [name, member] of packed) result[name] = fromPacked(member);
    return result;
  }
  // A copy of its own: msgpackr's is a view into the bytes that were read.
  if (packed instanceof Uint8Array) return new Uint8Array(packed);
  return packed as Value;
}
