import { isXmlCharacter } from "./characters.js";
import { notWellFormed, quoted } from "./refusals.js";

/** What XML predefines: five names, and numbers of characters (XML 1.0, sections 4.1 and 4.6). */
const reference = /&(?:(?:amp|lt|gt|quot|apos)|#([0-9]+)|#x([0-9A-Fa-f]+));/y;

/** The references of a document, checked from its beginning to its end. */
export class References {
  readonly #text: string;
  /** The next `&` at or after the point of the scan: remembered, to stay linear. */
  #ampersand = -1;

  constructor(text: string) {
    this.#text = text;
  }

  /**
   * Checks a part that begins no earlier than the parts before it.
   * @returns by how many characters the part is shorter than it looks
   * @throws DecodeError -32700
   */
  check(start: number, end: number): number {
    let surplus = 0;
    if (this.#ampersand < start) this.#ampersand = this.#next(start);
    while (this.#ampersand < end) {
      const length = this.#checkOne(this.#ampersand);
      surplus += length - 1;
      this.#ampersand = this.#next(this.#ampersand + length);
    }
    return surplus;
  }

  /** Returns how long it is. */
  #checkOne(at: number): number {
    reference.lastIndex = at;
    const match = reference.exec(this.#text);
    if (match === null) {
      notWellFormed('"&" begins no reference that XML predefines: write "&amp;"', at);
    }
    const [whole, decimal, hexadecimal] = match;
    if (decimal !== undefined || hexadecimal !== undefined) {
      const code = decimal !== undefined ? Number(decimal) : Number(`0x${hexadecimal}`);
      if (!isXmlCharacter(code)) {
        notWellFormed(`${quoted(whole)} refers to no character that XML can carry`, at);
      }
    }
    return whole.length;
  }

  #next(from: number): number {
    const found = this.#text.indexOf("&", from);
    return found === -1 ? Number.POSITIVE_INFINITY : found;
  }
}
