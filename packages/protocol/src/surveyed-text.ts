import { isSpace } from "./characters.js";
import type { Encoding } from "./encoding.js";

const ampersand = 0x26;
const hash = 0x23;
const semicolon = 0x3b;
const lowerX = 0x78;
const carriageReturn = 0xd;
const lineFeed = 0xa;

/** How many UTF-16 units come of the character that a byte belongs to, told once for each character: at its first byte. */
const unitsOfUtf8 = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0xf0 ? 2 : (byte & 0xc0) === 0x80 ? 0 : 1,
);
const unitsOfSingleBytes = new Uint8Array(256).fill(1);

/**
 * The length of a name or number from its bytes, as it will be read: in UTF-16 units, with references and line ends as the
 * characters that they stand for, in however many pieces it is written.
 */
export class SurveyedText {
  readonly #bytes: Buffer;
  readonly #units: Uint8Array;
  #length = 0;
  /** White space behind a number's last character, which counts if another one follows. */
  #white = 0;

  constructor(bytes: Buffer, encoding: Encoding["name"]) {
    this.#bytes = bytes;
    this.#units = encoding === "utf-8" ? unitsOfUtf8 : unitsOfSingleBytes;
  }

  /** Another element's text begins. */
  reset(): void {
    this.#length = 0;
    this.#white = 0;
  }

  /**
   * Adds a piece, and stops where the text is longer than `max`.
   *
   * @param trimmed whether white space at both ends of the text is no part of it
   * @param references whether the piece has any; a CDATA section has none
   * @returns whether the text is longer
   */
  exceeds(max: number, start: number, end: number, trimmed: boolean, references: boolean): boolean {
    const bytes = this.#bytes;
    for (let at = start; at < end && this.#length <= max; at++) {
      const code = bytes[at] ?? 0;
      if (code === ampersand && references) at = this.#addReference(at, end, trimmed);
      else if (code > 0x20) this.#add(this.#units[code] ?? 0);
      else if (code !== carriageReturn || bytes[at + 1] !== lineFeed) this.#addSpace(trimmed);
    }
    return this.#length > max;
  }

  #add(units: number): void {
    this.#length += this.#white + units;
    this.#white = 0;
  }

  #addSpace(trimmed: boolean): void {
    if (!trimmed) this.#length++;
    else if (this.#length > 0) this.#white++;
  }

  /** Returns where its semicolon is. */
  #addReference(start: number, end: number, trimmed: boolean): number {
    const bytes = this.#bytes;
    const numbered = bytes[start + 1] === hash;
    const hexadecimal = numbered && bytes[start + 2] === lowerX;
    const base = hexadecimal ? 16 : 10;
    let number = 0;
    let at = start + (hexadecimal ? 3 : 2);
    for (; at < end && bytes[at] !== semicolon; at++) number = number * base + digitOf(bytes[at] ?? 0);
    if (numbered && isSpace(number)) this.#addSpace(trimmed);
    else this.#add(numbered && number >= 0x10000 ? 2 : 1);
    return at;
  }
}

/** 0–9, A–F, a–f; of another character anything. */
function digitOf(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code & 0x5f) - 0x37;
}
