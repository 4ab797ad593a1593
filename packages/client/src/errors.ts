/** Why a call has no result, and whether it was executed: the one question that decides about a retry. */

/** Surely not executed: it may be sent again. `cause` is the last failure, where there was one. */
export class NotExecutedError extends Error {
  override readonly name = "NotExecutedError";
}

/**
 * The call was sent, at least in part, and no answer came that says what became of it: it may or may not
 * have been executed. Sending it again is right only for methods where doing it twice is the same as doing
 * it once. `cause` is what happened instead of an answer; the reason of the caller's signal, if that was it.
 */
export class OutcomeUnknownError extends Error {
  override readonly name = "OutcomeUnknownError";
}

export const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  // Several addresses were tried: Node leaves the message of the whole empty.
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join(", ");
  return error.message;
};
