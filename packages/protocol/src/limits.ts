/**
 * What one document may cost. All of them hold before the memory they guard is spent, and passing one
 * is a `DecodeError` with code -32005.
 */
export interface Limits {
  /** Size of the document in bytes, after decompression. */
  readonly bytes: number;
  /** Arrays and structs inside each other; `[[1]]` has depth 2. Holds for encoding, too. */
  readonly depth: number;
  /** Values in one document, the nested ones and the arrays and structs themselves included. */
  readonly values: number;
  /** Length of a member's or method's name in UTF-16 units. */
  readonly nameLength: number;
  /** Length of a number's text in characters, without the white space around it. */
  readonly digits: number;
}

export const defaultLimits: Limits = Object.freeze({
  bytes: 8 * 1024 * 1024,
  depth: 128,
  values: 1_000_000,
  nameLength: 4096,
  digits: 1024,
});

/** Reading and writing recurse once per level; beyond this the stack would decide instead of the limit. */
const depthMax = 1000;

/** @throws RangeError when a limit is not a positive integer, or a depth is beyond what can be recursed */
export function resolveLimits(limits: Partial<Limits> | undefined): Limits {
  if (limits === undefined) return defaultLimits;
  const resolved = { ...defaultLimits, ...limits };
  for (const [name, value] of Object.entries(resolved)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`limits.${name} must be a positive integer, not ${String(value)}`);
    }
  }
  if (resolved.depth > depthMax) {
    throw new RangeError(`limits.depth must be at most ${depthMax}, not ${resolved.depth}`);
  }
  return resolved;
}
