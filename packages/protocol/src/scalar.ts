import { trimSpace } from "./characters.js";
import { DateTime } from "./date-time.js";
import { DecodeError, excerpt } from "./errors.js";
import { faultCodes } from "./fault.js";
import type { Limits } from "./limits.js";
import { numberTooLong } from "./refusals.js";
import { Double, isInt } from "./value.js";

// The texts of scalar elements. Every path of decoding reads them here, and only here.
// They throw a DecodeError without a place; who knows the place adds it.

// In each of these no two parts can match the same characters, so a mismatch is found in linear time.
const integer = /^[+-]?[0-9]+$/;
const double = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** The text of `<int>` or `<i4>`: never octal, never cut to 32 bits. */
export function readInt(text: string, limits: Limits): number {
  const plain = plainInt(text, Math.min(plainDigitsMax, limits.digits));
  if (!Number.isNaN(plain)) return plain;
  const value = Number(readDigits(text, "int", 10, limits)) + 0; // + 0 turns -0 into 0
  if (!isInt(value)) refuse(`an int has 32 bits, ${excerpt(text)} needs more`);
  return value;
}

/** So many digits are an int, whichever they are. */
const plainDigitsMax = 9;

/** Reads nothing but digits, as most ints are written, in a part of the time; NaN for anything else. */
function plainInt(text: string, digitsMax: number): number {
  if (text.length === 0 || text.length > digitsMax) return Number.NaN;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** The text of `<i8>`. The length is checked first, since `BigInt` takes more than linear time. */
export function readI8(text: string, limits: Limits): bigint {
  const value = BigInt(readDigits(text, "i8", 19, limits));
  if (value < int64Min || value > int64Max) refuse(`an i8 has 64 bits, ${excerpt(text)} needs more`);
  return value;
}

/** Sign and digits without leading zeros. */
function readDigits(text: string, type: string, significantMax: number, limits: Limits): string {
  const trimmed = trimNumber(text, limits);
  if (!integer.test(trimmed)) refuse(`an ${type} is written in decimal digits, not ${excerpt(text)}`);
  const digits = trimmed.replace(/^[+-]?0*(?=[0-9])/, "");
  if (digits.length > significantMax) refuse(`an ${type} has no room for ${excerpt(text)}`);
  return trimmed.startsWith("-") ? `-${digits}` : digits;
}

export function readBoolean(text: string): boolean {
  if (text === "1") return true;
  if (text === "0") return false;
  refuse(`a boolean is 0 or 1, not ${excerpt(text)}`);
}

/** The text of `<double>`: integral values stay doubles by way of `Double`. */
export function readDouble(text: string, limits: Limits): number | Double {
  const trimmed = trimNumber(text, limits);
  if (!double.test(trimmed)) refuse(`a double is written like -12.53, not ${excerpt(text)}`);
  const value = Number(trimmed);
  if (!Number.isFinite(value)) refuse(`a double has no room for ${excerpt(text)}`);
  return Number.isInteger(value) ? new Double(value) : value;
}

export function readDateTime(text: string): DateTime {
  if (!DateTime.isValid(text)) {
    refuse(`a dateTime.iso8601 is written like 19980717T14:08:55, not ${excerpt(text)}`);
  }
  return new DateTime(text);
}

/** The text of `<base64>`. Node's decoder takes nearly anything, so the text is checked first. */
export function readBase64(text: string): Uint8Array {
  if (isBase64(text)) return decodeBase64(text);
  const packed = text.replace(/[ \t\r\n]+/g, "");
  if (isBase64(packed)) return decodeBase64(packed);
  refuse("base64 has only A-Z, a-z, 0-9, + and /, padded with = to a multiple of four characters");
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && base64.test(text);
}

/** Writes into memory of its own, because what `Buffer.from` returns may be part of a pool. */
function decodeBase64(text: string): Uint8Array {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  Buffer.from(bytes.buffer).write(text, "base64");
  return bytes;
}

export function readNil(text: string): null {
  if (text !== "") refuse(`nil is empty, not ${excerpt(text)}`);
  return null;
}

function trimNumber(text: string, limits: Limits): string {
  const trimmed = trimSpace(text);
  if (trimmed.length > limits.digits) numberTooLong(limits);
  return trimmed;
}

function refuse(sentence: string): never {
  throw new DecodeError(faultCodes.notXmlRpc, sentence);
}
