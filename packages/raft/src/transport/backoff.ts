/** After a failed dial, in milliseconds: the first wait and the longest. */
const UNREACHABLE = { first: 50, longest: 500 } as const;
/** After a refusal: it needs an operator, or a birth, so there is less hurry. */
const REFUSED = { first: 100, longest: 2000 } as const;

/**
 * How long to wait before the next dial, in milliseconds: doubled by every failure in a row, drawn from
 * [half, whole] so that nodes that failed together do not dial together.
 */
export function backoffMs(failuresBefore: number, refused: boolean, random: () => number): number {
  const { first, longest } = refused ? REFUSED : UNREACHABLE;
  const whole = Math.min(longest, first * 2 ** Math.min(failuresBefore, 10));
  return whole * (0.5 + random() / 2);
}
