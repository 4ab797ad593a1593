/** What was sent or handed out and is not settled yet, oldest first, counted by items and by bytes. */
import type { Index } from "./types.js";

export class ByteWindow {
  #indexes: Index[] = [];
  #bytes: number[] = [];
  /** Items before it are released; they are cut off now and then, not one by one. */
  #head = 0;
  #total = 0;

  get count(): number {
    return this.#indexes.length - this.#head;
  }

  get bytes(): number {
    return this.#total;
  }

  /** `index` must not fall below that of the item before. */
  push(index: Index, bytes: number): void {
    this.#indexes.push(index);
    this.#bytes.push(bytes);
    this.#total += bytes;
  }

  /** Everything up to `index` is settled. */
  releaseTo(index: Index): void {
    while (this.#head < this.#indexes.length && (this.#indexes[this.#head] ?? 0) <= index) {
      this.#total -= this.#bytes[this.#head] ?? 0;
      this.#head += 1;
    }
    if (this.#head === this.#indexes.length) this.clear();
    else if (this.#head >= 1024 && this.#head * 2 >= this.#indexes.length) {
      this.#indexes = this.#indexes.slice(this.#head);
      this.#bytes = this.#bytes.slice(this.#head);
      this.#head = 0;
    }
  }

  clear(): void {
    this.#indexes.length = 0;
    this.#bytes.length = 0;
    this.#head = 0;
    this.#total = 0;
  }
}
