/** A set of small numbers with an exact, short text form. */
export class Bits {
  readonly #words: Uint16Array;

  constructor(size: number) {
    this.#words = new Uint16Array((size >> 4) + 1);
  }

  has(i: number): boolean {
    return i >= 0 && ((this.#words[i >> 4] ?? 0) & (1 << (i & 15))) !== 0;
  }

  add(i: number): void {
    this.#words[i >> 4] = (this.#words[i >> 4] ?? 0) | (1 << (i & 15));
  }

  delete(i: number): void {
    this.#words[i >> 4] = (this.#words[i >> 4] ?? 0) & ~(1 << (i & 15));
  }

  /** The set as text, exact; all numbers below `full` must be in it, and cost nothing. */
  text(full: number): string {
    let start = full >> 4;
    while (this.#words[start] === 0xffff) start++;
    let end = this.#words.length;
    while (end > start && this.#words[end - 1] === 0) end--;
    return `${start},${String.fromCharCode(...this.#words.subarray(start, end))}`;
  }
}
