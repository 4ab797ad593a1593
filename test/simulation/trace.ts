import { digestNumber, digestStart } from "../invariants/digest.js";

/** What happened, folded into one number: two runs that differ anywhere differ here. Optionally the last lines as text. */
export class Trace {
  #hash = digestStart;
  #lines: string[] | null = null;
  readonly #words = new Map<string, number>();

  /** Keeps the last `count` lines, to show what led to a failure. */
  keepLines(): void {
    this.#lines = [];
  }

  get hash(): string {
    return this.#hash.toString(16).padStart(8, "0");
  }

  add(at: number, node: string, what: string, a: number, b: number, c: number): void {
    let hash = digestNumber(at, this.#hash);
    hash = digestNumber(this.#word(node), hash);
    hash = digestNumber(this.#word(what), hash);
    hash = digestNumber(a, hash);
    hash = digestNumber(b, hash);
    this.#hash = digestNumber(c, hash);
  }

  /** False: lines need not even be described. */
  get keepsLines(): boolean {
    return this.#lines !== null;
  }

  /** Only evaluated when lines are kept. */
  line(at: number, text: () => string): void {
    if (!this.#lines) return;
    this.#lines.push(`${(at / 1000).toFixed(3).padStart(10)} ${text()}`);
    if (this.#lines.length > 100_000) this.#lines.splice(0, 50_000);
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  #word(text: string): number {
    const known = this.#words.get(text);
    if (known !== undefined) return known;
    this.#words.set(text, this.#words.size + 1);
    return this.#words.size;
  }
}
