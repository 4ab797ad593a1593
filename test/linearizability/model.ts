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
  /** What is known about an operation without knowing the state; lets a search turn back early. */
  hints(op: Op, result: Result | undefined): Hints;
  describe(op: Op, result: Result | undefined): string;
}

/** All states are named by their fingerprints. */
export interface Hints {
  /** The only state in which the operation can have given its answer. */
  readonly needs?: string;
  /** The only state that it can lead to, when it changes the state. Absent only if it never does. */
  readonly makes?: string;
  /** The states that it treats differently from all others, whatever it answered. */
  readonly tells: readonly string[];
  /** Operations of one kind do the same in every state, except that each makes a state of its own. */
  readonly kind: string;
}
