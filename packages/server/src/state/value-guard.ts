/**
 * Looks over packed bytes before msgpackr reads them: only tokens that our own encoder writes, no length
 * beyond what is there, no depth that could exhaust the stack. Without it a few hostile bytes could make
 * msgpackr allocate gigabytes, define record structures, or build Dates, Sets and Errors.
 */
import { isUtf8 } from "node:buffer";

/** Bytes that are no value of format v1, or a value that has no form in it. */
export class ValueEncodingError extends Error {
  override readonly name = "ValueEncodingError";
}

/** Numbers of the extensions of format v1; stored: append, never renumber. */
export const extensionTypes = { double: 1, dateTime: 2, negativeZero: 3 } as const;

/** The deepest value (128, the protocol's limit) inside the deepest place of a log entry, with room. */
export const packedDepthMax = 136;

/** Whole size of the tokens that always take the same room. */
const fixedSizes: ReadonlyMap<number, number> = new Map([
  [0xc0, 1], // nil
  [0xc2, 1], // false
  [0xc3, 1], // true
  [0xcb, 9], // float 64
  [0xcc, 2], // uint 8, 16, 32
  [0xcd, 3],
  [0xce, 5],
  [0xd0, 2], // int 8, 16, 32, 64
  [0xd1, 3],
  [0xd2, 5],
  [0xd3, 9],
  [0xd4, 3], // extension of 1 byte
  [0xd7, 10], // extension of 8 bytes
]);

type Content = "binary" | "text" | "array" | "map";

/** What the tokens with a length field hold, and how many bytes that field has. */
const sizedTokens: ReadonlyMap<number, readonly [Content, 1 | 2 | 4]> = new Map([
  [0xc4, ["binary", 1]],
  [0xc5, ["binary", 2]],
  [0xc6, ["binary", 4]],
  [0xd9, ["text", 1]],
  [0xda, ["text", 2]],
  [0xdb, ["text", 4]],
  [0xdc, ["array", 2]],
  [0xdd, ["array", 4]],
  [0xde, ["map", 2]],
  [0xdf, ["map", 4]],
]);

/** Throws `ValueEncodingError` unless `bytes` are exactly one value of format v1. */
export function assertPacked(bytes: Uint8Array): void {
  new Guard(bytes).run();
}

/** One container that is being walked: how many tokens it still needs, and whether it is a map. */
interface Container {
  left: number;
  readonly isMap: boolean;
}

/** Walks the tokens with a stack of its own, so that depth costs no call stack. */
class Guard {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #open: Container[] = [{ left: 1, isMap: false }];
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): void {
    for (let top = this.#open.at(-1); top !== undefined; top = this.#open.at(-1)) {
      if (top.left === 0) {
        this.#open.pop();
        continue;
      }
      this.#need(1);
      const token = this.#view.getUint8(this.#at);
      if (top.isMap && top.left % 2 === 0 && !isText(token))
        this.#refuse("a struct member's name that is no string");
      top.left--;
      this.#token(token);
    }
    if (this.#at !== this.#bytes.length) this.#refuse("bytes behind the value");
  }

  #token(token: number): void {
    if (token <= 0x7f || token >= 0xe0) this.#at += 1;
    else if (token <= 0x8f) this.#content("map", 1, token & 0x0f);
    else if (token <= 0x9f) this.#content("array", 1, token & 0x0f);
    else if (token <= 0xbf) this.#content("text", 1, token & 0x1f);
    else if (token === 0xc7) this.#dateTime();
    else if (fixedSizes.has(token)) this.#fixed(token, fixedSizes.get(token) ?? 0);
    else {
      const [content, size] = sizedTokens.get(token) ?? this.#refuse(`unknown token 0x${token.toString(16)}`);
      this.#need(1 + size);
      this.#content(content, 1 + size, this.#uint(size));
    }
  }

  #uint(size: 1 | 2 | 4): number {
    if (size === 1) return this.#view.getUint8(this.#at + 1);
    return size === 2 ? this.#view.getUint16(this.#at + 1) : this.#view.getUint32(this.#at + 1);
  }

  #fixed(token: number, size: number): void {
    this.#need(size);
    if (token === 0xd4) this.#extension(extensionTypes.negativeZero);
    if (token === 0xd7) this.#extension(extensionTypes.double);
    const double = token === 0xcb ? 1 : token === 0xd7 ? 2 : 0;
    if (double !== 0 && !Number.isFinite(this.#view.getFloat64(this.#at + double))) {
      this.#refuse("a number that is not finite");
    }
    this.#at += size;
  }

  #dateTime(): void {
    this.#need(3);
    const length = this.#view.getUint8(this.#at + 1);
    this.#at += 1;
    this.#extension(extensionTypes.dateTime);
    this.#need(2 + length);
    this.#at += 2 + length;
  }

  #extension(type: number): void {
    const found = this.#view.getUint8(this.#at + 1);
    if (found !== type) this.#refuse(`extension ${found} where ${type} belongs`);
  }

  #content(content: Content, header: number, length: number): void {
    if (content === "array" || content === "map") {
      const left = content === "map" ? 2 * length : length;
      this.#need(header + left); // every token takes a byte at least
      if (this.#open.length > packedDepthMax) {
        this.#refuse(`more than ${packedDepthMax} containers inside each other`);
      }
      this.#at += header;
      this.#open.push({ left, isMap: content === "map" });
      return;
    }
    this.#need(header + length);
    const start = this.#at + header;
    if (content === "text" && !isUtf8(this.#bytes.subarray(start, start + length))) {
      this.#refuse("a string that is not UTF-8");
    }
    this.#at = start + length;
  }

  #need(count: number): void {
    if (this.#at + count > this.#bytes.length) this.#refuse(`${count} more bytes expected`);
  }

  #refuse(what: string): never {
    throw new ValueEncodingError(`${what} at byte ${this.#at} of ${this.#bytes.length}`);
  }
}

function isText(token: number): boolean {
  return (token >= 0xa0 && token <= 0xbf) || (token >= 0xd9 && token <= 0xdb);
}
