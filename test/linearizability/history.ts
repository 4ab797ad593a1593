/** What clients did and saw: the only thing a linearizability check looks at. */

/** How one call ended, as its caller knows it. */
export type Outcome<Result> =
  /** Answered; it took effect at one moment between call and return. */
  | { readonly kind: "ok"; readonly result: Result; readonly returnedAt: number }
  /** Surely never executed. */
  | { readonly kind: "failed" }
  /** No answer: it may have taken effect at any moment after the call, or never. */
  | { readonly kind: "unknown" };

export interface Operation<Op, Result> {
  /** Whose call it was; only shown in explanations. */
  readonly client: string;
  readonly op: Op;
  /** Any unit, the same for `calledAt` and `returnedAt`. Equal moments count as overlapping. */
  readonly calledAt: number;
  readonly outcome: Outcome<Result>;
}

export type History<Op, Result> = readonly Operation<Op, Result>[];
