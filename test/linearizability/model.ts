/** A sequential specification: what a single copy, used by one client at a time, would answer. */
export interface Model<State, Op, Result> {
  readonly init: State;
  /**
   * Whether `op` may answer `result` in `state`, and the state afterwards. `result` is undefined when
   * nobody saw the answer: then every answer is right. Pure.
   */
  step(state: State, op: Op, result: Result | undefined): readonly [ok: boolean, next: State];
  /** Operations on different keys are independent, and are checked apart from each other. */
  key(op: Op): string;
  /** False for an operation that never changes the state: unanswered, it proves nothing and is dropped. */
  mayWrite(op: Op): boolean;
  /** Equal exactly for states that are the same. */
  fingerprint(state: State): string;
  /**
   * What is known without knowing the state: `needs` is the fingerprint of the only state in which `op` can
   * have answered `result`, `makes` that of the only other state that `op` can lead to; each undefined when
   * there is no such single state (for `makes`: only when the state surely stays). Lets a search turn back as
   * soon as it leaves a state that a later call needs and nothing can bring back.
   */
  hints(op: Op, result: Result | undefined): { readonly needs?: string; readonly makes?: string };
  describe(op: Op, result: Result | undefined): string;
}
