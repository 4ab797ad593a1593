import type { Limits } from "./limits.js";
import { isLongNumber } from "./long-number.js";
import { nameTooLong, numberTooLong } from "./refusals.js";

const names: ReadonlySet<string> = new Set(["name", "methodName"]);
const numbers: ReadonlySet<string> = new Set(["int", "i4", "i8", "ex:i8", "double"]);

/** The length of the innermost element's text so far, as it is read: a reference is one character. */
export class TextLength {
  readonly #text: string;
  readonly #limits: Limits;
  #length = 0;

  constructor(text: string, limits: Limits) {
    this.#text = text;
    this.#limits = limits;
  }

  /** An element begins or ends, and its text with it. */
  reset(): void {
    this.#length = 0;
  }

  /**
   * Adds a text up to the next tag. Refuses names and numbers that are certainly too long, because a tree of them is
   * expensive. A number may have white space around it, which does not count: who reads the tree decides on those.
   * @throws DecodeError -32005
   */
  add(length: number, element: string, start: number): void {
    this.#length += length;
    const { nameLength, digits } = this.#limits;
    if (this.#length <= Math.min(nameLength, digits)) return;
    this.#checkName(element, start);
    if (this.#length > digits && numbers.has(element) && this.#isLongNumber(start)) {
      numberTooLong(this.#limits, start);
    }
  }

  /** Adds a CDATA section: where there is one, a number is left to who reads the tree. */
  addSection(length: number, element: string, start: number): void {
    this.#length += length;
    this.#checkName(element, start);
  }

  #checkName(element: string, start: number): void {
    if (this.#length > this.#limits.nameLength && names.has(element)) nameTooLong(this.#limits, start);
  }

  #isLongNumber(start: number): boolean {
    const end = this.#text.indexOf("<", start);
    return isLongNumber(this.#text.slice(start, end === -1 ? undefined : end), this.#limits.digits);
  }
}
