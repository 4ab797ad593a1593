/**
 * Values by whole numbers that come at one end and go at the other, as log indexes do.
 *
 * Not a `Map`: V8 gives a map whose entries come and go a new table every few dozen of them, and each table
 * refers to the next one. As soon as one has reached the old generation, everything that all later tables held
 * when they were given up is promoted behind it, and lives on until the next full collection. Of a leader's
 * proposals and reads that was every request with all that hangs on it.
 */
export class NumberWindow<T> {
  /** The value of number `#first + i` at position i. */
  #items: (T | undefined)[] = [];
  #first = 0;
  /** No value lies before it. */
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(number: number): T | undefined {
    return this.#items[number - this.#first];
  }

  set(number: number, item: T): void {
    if (this.#size === 0) this.#restart(number);
    while (number < this.#first) this.#prepend();
    const position = number - this.#first;
    while (this.#items.length <= position) this.#items.push(undefined);
    if (this.#items[position] === undefined) this.#size++;
    this.#items[position] = item;
    this.#head = Math.min(this.#head, position);
  }

  delete(number: number): void {
    const position = number - this.#first;
    if (this.#items[position] === undefined) return;
    this.#items[position] = undefined;
    this.#size--;
    if (position === this.#head) this.#advance();
  }

  clear(): void {
    this.#restart(0);
  }

  /** The values there are now, by ascending numbers. */
  entries(): (readonly [number: number, item: T])[] {
    const found: [number, T][] = [];
    for (let position = this.#head; position < this.#items.length; position++) {
      const item = this.#items[position];
      if (item !== undefined) found.push([this.#first + position, item]);
    }
    return found;
  }

  #restart(first: number): void {
    this.#items.length = 0;
    this.#first = first;
    this.#head = 0;
    this.#size = 0;
  }

  #prepend(): void {
    this.#items.unshift(undefined);
    this.#first--;
    this.#head++;
  }

  #advance(): void {
    while (this.#head < this.#items.length && this.#items[this.#head] === undefined) this.#head++;
    if (this.#head < 1024 || this.#head * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#first += this.#head;
    this.#head = 0;
  }
}
