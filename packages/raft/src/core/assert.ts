/** A broken invariant is a bug or damage, never an expected event: the driver stops the node on it. */
export class RaftInvariantError extends Error {
  override readonly name = "RaftInvariantError";
}

/**
 * Throws `RaftInvariantError` unless `condition` holds. `message` says the rule that is broken; `values`
 * are the facts that break it and end up in the text (`… [index=5 commit=7]`).
 */
export function invariant(
  condition: boolean,
  message: string,
  values: Readonly<Record<string, unknown>> = {},
): asserts condition {
  if (!condition) throw broken(message, values);
}

/**
 * This server's log lacks entries that it had acknowledged: its disk forgot them without a word. It must not vote nor
 * acknowledge anything again under this incarnation.
 */
export class ForgottenEntriesError extends RaftInvariantError {
  /**
   * @param acknowledged up to here its log reached, as the leader of this term remembers
   * @param lastIndex up to here it reaches now
   */
  constructor(
    readonly acknowledged: number,
    readonly lastIndex: number,
    leader: string,
    term: number,
  ) {
    super(
      `this disk forgot entries that it had acknowledged: ${leader}, which leads in term ${term}, remembers them up to ` +
        `${acknowledged}, the log ends at ${lastIndex}`,
    );
  }
}

/** The error itself, for hot paths that test first and build the values only when they are needed. */
export function broken(message: string, values: Readonly<Record<string, unknown>>): RaftInvariantError {
  const facts = Object.entries(values).map(([name, value]) => `${name}=${String(value)}`);
  return new RaftInvariantError(facts.length === 0 ? message : `${message} [${facts.join(" ")}]`);
}
