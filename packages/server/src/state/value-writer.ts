/**
 * Values → packed bytes. Every value has one form: the shortest token for its type, as the table in
 * `value-encoding.ts` says. Written by hand because every node spends this on every command, several times.
 */
import { DateTime, Double, type Value } from "@quorate/protocol";
import { extensionTypes, packedDepthMax, ValueEncodingError } from "./value-reader.js";

const i8Min = -(2n ** 63n);
const i8Max = 2n ** 63n - 1n;
/** Small results of one writer share a piece, so that the long-lived ones keep nothing but each other alive. */
const sharedLengthMax = 2048;
const pieceLength = 16 * 1024;
/** One large value does not keep its memory for ever. */
const keptLength = 1024 * 1024;
const firstLength = 16 * 1024;
/** A large result keeps memory that it does not use, but no more than one part in so many. */
const unusedPart = 8;
/** What follows a large text is small, as a rule. */
const slackLength = 4 * 1024;
/** From here on it pays to find out how many bytes a text needs instead of making room for the most it could. */
const longText = 16 * 1024;
/** Up to here a loop over the characters costs less than a call into V8. */
const shortText = 24;

/** Gathers the bytes of one result, in memory that serves the next result again. */
export class ValueWriter {
  #bytes = Buffer.allocUnsafeSlow(firstLength);
  #at = 0;
  #piece = Buffer.allocUnsafeSlow(0);
  #pieceUsed = 0;

  start(): void {
    this.#at = 0;
    if (this.#bytes.length > keptLength) this.#bytes = Buffer.allocUnsafeSlow(firstLength);
  }

  /** The result. One of more than 2 KiB has its memory to itself. */
  finish(): Uint8Array {
    if (this.#at > keptLength && this.#bytes.length - this.#at <= this.#at / unusedPart) {
      // Given away instead of copied.
      const own = this.#bytes.subarray(0, this.#at);
      this.#bytes = Buffer.allocUnsafeSlow(firstLength);
      return own;
    }
    const result = this.#room(this.#at);
    this.#bytes.copy(result, 0, 0, this.#at);
    return result;
  }

  #room(length: number): Buffer {
    if (length > sharedLengthMax) return Buffer.allocUnsafeSlow(length);
    if (this.#pieceUsed + length > this.#piece.length) {
      this.#piece = Buffer.allocUnsafeSlow(pieceLength);
      this.#pieceUsed = 0;
    }
    const start = this.#pieceUsed;
    this.#pieceUsed += length;
    return this.#piece.subarray(start, this.#pieceUsed);
  }

  byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = byte;
  }

  /** Throws `ValueEncodingError` for what has no form; what was written until then is of no use. */
  value(value: Value, depth = 0): void {
    switch (typeof value) {
      case "string":
        this.#text(value);
        return;
      case "number":
        this.#number(value);
        return;
      case "boolean":
        this.byte(value ? 0xc3 : 0xc2);
        return;
      case "bigint":
        this.#i8(value);
        return;
      case "object":
        if (value === null) this.byte(0xc0);
        else this.#object(value, depth);
        return;
      default:
        throw new ValueEncodingError(`a ${typeof value} is no value`);
    }
  }

  #object(value: Value & object, depth: number): void {
    if (value instanceof Uint8Array) {
      this.#length(value.length, 0xc4, 0xc5, 0xc6);
      this.#reserve(value.length);
      this.#bytes.set(value, this.#at);
      this.#at += value.length;
    } else if (value instanceof Double) {
      this.#double(value.value);
    } else if (value instanceof DateTime) {
      this.#dateTime(value.text);
    } else if (depth >= packedDepthMax) {
      throw new ValueEncodingError(`more than ${packedDepthMax} containers inside each other`);
    } else if (Array.isArray(value)) {
      this.array(value.length);
      for (const item of value) this.value(item, depth + 1);
    } else {
      const names = Object.keys(value);
      this.struct(names.length);
      for (const name of names) {
        this.#text(name);
        this.value(value[name] as Value, depth + 1);
      }
    }
  }

  /** The head of an array; `length` values follow. */
  array(length: number): void {
    if (length < 0x10) this.byte(0x90 | length);
    else this.#length(length, null, 0xdc, 0xdd);
  }

  /** The head of a struct; `length` members follow, each a name and a value. */
  struct(length: number): void {
    if (length < 0x10) this.byte(0x80 | length);
    else this.#length(length, null, 0xde, 0xdf);
  }

  #number(number: number): void {
    if (number !== number >> 0 && !(number > 0 && number === number >>> 0)) {
      if (!Number.isFinite(number)) throw new ValueEncodingError(`${number} is no value`);
      this.byte(0xcb);
      this.#float64(number);
    } else if (number >= 0) {
      if (Object.is(number, -0)) this.#negativeZero();
      else if (number < 0x80) this.byte(number);
      else this.#length(number, 0xcc, 0xcd, 0xce);
    } else {
      this.#negative(number);
    }
  }

  #negative(number: number): void {
    this.#reserve(5);
    if (number >= -0x20) {
      this.#bytes[this.#at++] = number & 0xff;
    } else if (number >= -0x80) {
      this.#bytes[this.#at++] = 0xd0;
      this.#bytes[this.#at++] = number & 0xff;
    } else if (number >= -0x8000) {
      this.#bytes[this.#at++] = 0xd1;
      this.#at = this.#bytes.writeInt16BE(number, this.#at);
    } else {
      this.#bytes[this.#at++] = 0xd2;
      this.#at = this.#bytes.writeInt32BE(number, this.#at);
    }
  }

  #negativeZero(): void {
    this.byte(0xd4);
    this.byte(extensionTypes.negativeZero);
    this.byte(0);
  }

  #i8(value: bigint): void {
    if (value < i8Min || value > i8Max) throw new ValueEncodingError(`${value} is beyond 64 bits`);
    this.byte(0xd3);
    this.#reserve(8);
    this.#at = this.#bytes.writeBigInt64BE(value, this.#at);
  }

  #double(number: number): void {
    if (!Number.isFinite(number)) throw new ValueEncodingError(`${number} is no value`);
    this.byte(0xd7);
    this.byte(extensionTypes.double);
    this.#float64(number);
  }

  #float64(number: number): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeDoubleBE(number, this.#at);
  }

  /** Its grammar is ASCII, and longer than any extension of a fixed size. */
  #dateTime(text: string): void {
    this.byte(0xc7);
    this.byte(text.length);
    this.byte(extensionTypes.dateTime);
    this.#reserve(text.length);
    this.#at += this.#bytes.write(text, this.#at, "latin1");
  }

  #text(text: string): void {
    const { length } = text;
    this.#reserve(5 + (length < longText ? 3 * length : Buffer.byteLength(text)));
    if (length <= shortText && this.#shortAscii(text)) return;
    // The head is as long as the bytes need, which is known behind them; nearly always as the characters say.
    const guessed = headLength(length);
    const start = this.#at;
    const size = this.#bytes.write(text, start + guessed);
    // UTF-8 has no form for it: it would come back as another string.
    if (size !== length && !text.isWellFormed()) {
      throw new ValueEncodingError("a string holds half a surrogate pair");
    }
    const head = headLength(size);
    if (head !== guessed) {
      this.#bytes.copyWithin(start + head, start + guessed, start + guessed + size);
    }
    if (size < 0x20) this.byte(0xa0 | size);
    else this.#length(size, 0xd9, 0xda, 0xdb);
    this.#at = start + head + size;
  }

  /** Returns false, and has written nothing, when there is more than ASCII. */
  #shortAscii(text: string): boolean {
    const start = this.#at + 1;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      this.#bytes[start + index] = code;
    }
    this.#bytes[this.#at] = 0xa0 | text.length;
    this.#at = start + text.length;
    return true;
  }

  /** One of the tokens that are followed by a number of 1, 2 or 4 bytes. */
  #length(length: number, token8: number | null, token16: number, token32: number): void {
    this.#reserve(5);
    if (length < 0x100 && token8 !== null) {
      this.#bytes[this.#at++] = token8;
      this.#bytes[this.#at++] = length;
    } else if (length < 0x1_0000) {
      this.#bytes[this.#at++] = token16;
      this.#at = this.#bytes.writeUInt16BE(length, this.#at);
    } else {
      this.#bytes[this.#at++] = token32;
      this.#at = this.#bytes.writeUInt32BE(length, this.#at);
    }
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed + slackLength, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** Bytes before a text of so many bytes. */
function headLength(size: number): number {
  if (size < 0x20) return 1;
  if (size < 0x100) return 2;
  return size < 0x1_0000 ? 3 : 5;
}
