/**
 * Packed bytes → value: only tokens that `ValueWriter` writes, no length beyond what is there, no depth that
 * could exhaust the stack, no memory beyond what the bytes themselves account for. The bytes are a peer's or
 * a disk's, so whatever else they hold is refused by name.
 */
import { isUtf8 } from "node:buffer";
import { DateTime, Double, EncodeError, type Struct, struct, type Value } from "@quorate/protocol";

/** Bytes that are no value of format v1, or a value that has no form in it. */
export class ValueEncodingError extends Error {
  override readonly name = "ValueEncodingError";
}

/** Numbers of the extensions of format v1; stored: append, never renumber. */
export const extensionTypes = { double: 1, dateTime: 2, negativeZero: 3 } as const;

/** The deepest value (128, the protocol's limit) inside the deepest place of a log entry, with room. */
export const packedDepthMax = 136;

/** Up to here a look at every byte costs less than asking V8 what kind of text it is. */
const shortText = 32;

/** An array or struct that was begun: its reader fills it. */
export class Opened {
  readonly container: Value[] | Struct;
  /** Items or members that are still to come. */
  left: number;
  readonly #items: Value[] | null;
  readonly #members: Struct;

  constructor(isStruct: boolean, length: number) {
    this.#items = isStruct ? null : [];
    this.#members = isStruct ? struct() : unused;
    this.container = this.#items ?? this.#members;
    this.left = length;
  }

  get isStruct(): boolean {
    return this.#items === null;
  }

  /** `name` is looked at by structs only. */
  add(name: string, value: Value): void {
    if (this.#items !== null) this.#items.push(value);
    else this.#members[name] = value;
    this.left--;
  }
}

const unused: Struct = Object.freeze(struct());

/** Reads exactly one value, from `start` to the end of `bytes`: at once by `read`, or piece by piece by the rest. */
export class ValueReader {
  readonly #bytes: Buffer;
  #at: number;
  #depth = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
  }

  /** Throws `ValueEncodingError`. */
  read(): Value {
    const value = this.#value();
    this.finish();
    return value;
  }

  /** Bytes that were read. */
  get at(): number {
    return this.#at;
  }

  /** The next value; of an array or struct only that it begins. Throws as `read` does. */
  next(): Value | Opened {
    const token = this.#bytes[this.#at] ?? 0;
    const isContainer = (token >= 0x80 && token <= 0x9f) || (token >= 0xdc && token <= 0xdf);
    if (!isContainer) return this.#value();
    this.#at++;
    const isStruct = token <= 0x8f || token >= 0xde;
    const length = token <= 0x9f ? token & 0x0f : (token & 1) === 0 ? this.#uint16() : this.#uint32();
    this.#enter(isStruct ? 2 * length : length);
    return new Opened(isStruct, length);
  }

  /** The name of the next member. */
  name(): string {
    const name = this.#value();
    return typeof name === "string" ? name : this.#refuse("a struct member's name that is no string");
  }

  /** The innermost array or struct that `next` began is complete. */
  leave(): void {
    this.#depth--;
  }

  /** The value is complete: nothing may follow it. */
  finish(): void {
    if (this.#at !== this.#bytes.length) this.#refuse("bytes behind the value");
  }

  #value(): Value {
    const token = this.#bytes[this.#at++];
    if (token === undefined) return this.#tooShort(1);
    if (token <= 0x7f) return token;
    if (token <= 0x8f) return this.#struct(token & 0x0f);
    if (token <= 0x9f) return this.#array(token & 0x0f);
    if (token <= 0xbf) return this.#text(token & 0x1f);
    if (token >= 0xe0) return token - 0x100;
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.#binary(this.#uint8());
      case 0xc5:
        return this.#binary(this.#uint16());
      case 0xc6:
        return this.#binary(this.#uint32());
      case 0xc7:
        return this.#dateTime();
      case 0xcb:
        return this.#float64();
      case 0xcc:
        return this.#uint8();
      case 0xcd:
        return this.#uint16();
      case 0xce:
        return this.#uint32();
      case 0xd0:
        return this.#bytes.readInt8(this.#take(1));
      case 0xd1:
        return this.#bytes.readInt16BE(this.#take(2));
      case 0xd2:
        return this.#bytes.readInt32BE(this.#take(4));
      case 0xd3:
        return this.#bytes.readBigInt64BE(this.#take(8));
      case 0xd4:
        this.#extension(extensionTypes.negativeZero);
        this.#take(1);
        return -0;
      case 0xd7:
        this.#extension(extensionTypes.double);
        return new Double(this.#float64());
      case 0xd9:
        return this.#text(this.#uint8());
      case 0xda:
        return this.#text(this.#uint16());
      case 0xdb:
        return this.#text(this.#uint32());
      case 0xdc:
        return this.#array(this.#uint16());
      case 0xdd:
        return this.#array(this.#uint32());
      case 0xde:
        return this.#struct(this.#uint16());
      case 0xdf:
        return this.#struct(this.#uint32());
      default:
        return this.#refuse(`unknown token 0x${token.toString(16)}`);
    }
  }

  #array(length: number): Value[] {
    this.#enter(length);
    const items: Value[] = [];
    // Grown as items come: a length is only a claim.
    for (let index = 0; index < length; index++) items.push(this.#value());
    this.#depth--;
    return items;
  }

  #struct(length: number): Struct {
    this.#enter(2 * length);
    const members = struct();
    for (let index = 0; index < length; index++) {
      const name = this.name();
      members[name] = this.#value();
    }
    this.#depth--;
    return members;
  }

  #enter(tokens: number): void {
    // Every token takes a byte at least.
    if (this.#at + tokens > this.#bytes.length) this.#tooShort(tokens);
    if (this.#depth++ >= packedDepthMax) {
      this.#refuse(`more than ${packedDepthMax} containers inside each other`);
    }
  }

  #text(length: number): string {
    const start = this.#take(length);
    const end = start + length;
    if (length <= shortText && this.#isAscii(start, end)) return this.#bytes.toString("latin1", start, end);
    const text = this.#bytes.toString("utf8", start, end);
    // What is no UTF-8 comes out as U+FFFD; so does U+FFFD itself.
    if (text.includes("\uFFFD") && !isUtf8(this.#bytes.subarray(start, end))) {
      this.#refuse("a string that is not UTF-8");
    }
    return text;
  }

  #isAscii(start: number, end: number): boolean {
    for (let at = start; at < end; at++) if ((this.#bytes[at] ?? 0) > 0x7f) return false;
    return true;
  }

  /** A copy: the value must not change, or keep alive, what it was read from. */
  #binary(length: number): Uint8Array {
    const start = this.#take(length);
    const copy = new Uint8Array(length);
    if (length > shortText) copy.set(this.#bytes.subarray(start, start + length));
    else for (let at = 0; at < length; at++) copy[at] = this.#bytes[start + at] ?? 0;
    return copy;
  }

  #float64(): number {
    const number = this.#bytes.readDoubleBE(this.#take(8));
    return Number.isFinite(number) ? number : this.#refuse("a number that is not finite");
  }

  #dateTime(): DateTime {
    const length = this.#uint8();
    this.#extension(extensionTypes.dateTime);
    const start = this.#take(length);
    try {
      return new DateTime(this.#bytes.toString("latin1", start, start + length));
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      return this.#refuse("a date that does not exist");
    }
  }

  #extension(type: number): void {
    const found = this.#uint8();
    if (found !== type) this.#refuse(`extension ${found} where ${type} belongs`);
  }

  #uint8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  #uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  #uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** Where the next `count` bytes begin; they are all there. */
  #take(count: number): number {
    const start = this.#at;
    if (start + count > this.#bytes.length) this.#tooShort(count);
    this.#at = start + count;
    return start;
  }

  #tooShort(count: number): never {
    return this.#refuse(`${count} more bytes expected`);
  }

  #refuse(what: string): never {
    throw new ValueEncodingError(`${what} at byte ${this.#at} of ${this.#bytes.length}`);
  }
}
