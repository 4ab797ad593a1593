/**
 * How much memory bodies that are still coming in may take together. Each is bounded by `http.maxBody`; many at
 * once would still be without bound, as every client may send as slowly as it likes.
 */
export class BodyBudget {
  #held = 0;

  constructor(readonly maxBytes: number) {}

  /** False: it is spent; nothing was taken. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.maxBytes) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }

  get held(): number {
    return this.#held;
  }
}

/** Some of the largest bodies, or a great many ordinary ones. */
export function bodyBudgetFor(maxBody: number): number {
  return Math.max(64 * 1024 * 1024, 4 * maxBody);
}
