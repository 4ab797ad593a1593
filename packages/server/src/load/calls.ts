/** What is called: the requests of a load, by their number, and what counts as a good answer. */

export interface CallKind {
  /** As results name it, such as `kv.set`. */
  readonly name: string;
  /** Path and query. */
  readonly path: string;
  readonly contentType: string;
  /** Body of the load's call of that number; ASCII. */
  readonly body: (index: number) => string;
  /** Undefined for a good answer, otherwise the name under which the failure is counted. */
  readonly failureOf: (status: number, body: Buffer) => string | undefined;
}

export interface Calls {
  readonly kinds: readonly CallKind[];
  /** Which of the kinds the call of that number is. */
  readonly kindOf: (index: number) => number;
}

/** Spreads call numbers over `keys` without a pattern that a cache or a mix could follow. */
export function keyOf(index: number, keys: number): number {
  let hash = Math.imul(index + 1, 0x9e3779b1);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return (hash >>> 0) % keys;
}

/** True for `percent` of a hundred call numbers in a row, spread evenly. */
export function isAmong(index: number, percent: number): boolean {
  return (index * percent) % 100 < percent;
}
