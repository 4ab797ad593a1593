/** `KeyRange` with its bounds checked: one lower, one upper, each inclusive or not. */
import type { KeyRange } from "../ports/index.js";
import { StorageMisuse } from "./errors.js";

export interface Bound {
  readonly key: Uint8Array;
  readonly inclusive: boolean;
}

export interface CheckedRange {
  readonly lower: Bound | null;
  readonly upper: Bound | null;
  readonly reverse: boolean;
  /** Infinity when absent. */
  readonly limit: number;
}

export function checkRange(range: KeyRange): CheckedRange {
  const limit = range.limit ?? Number.POSITIVE_INFINITY;
  if (!(limit >= 0 && (Number.isSafeInteger(limit) || limit === Number.POSITIVE_INFINITY))) {
    throw new StorageMisuse(`range limit is ${limit}, not an integer from 0 up`);
  }
  return {
    lower: bound("gte and gt", range.gte, range.gt),
    upper: bound("lte and lt", range.lte, range.lt),
    reverse: range.reverse ?? false,
    limit,
  };
}

function bound(
  names: string,
  inclusive: Uint8Array | undefined,
  exclusive: Uint8Array | undefined,
): Bound | null {
  if (inclusive !== undefined && exclusive !== undefined) {
    throw new StorageMisuse(`range with both ${names}: give one of them`);
  }
  if (inclusive !== undefined) return { key: inclusive, inclusive: true };
  return exclusive === undefined ? null : { key: exclusive, inclusive: false };
}
