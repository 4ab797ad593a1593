/** Why a call has no result, and whether it was executed: the one question that decides about a retry. */

/** Surely not executed: it may be sent again. */
export class NotExecutedError extends Error {
  override readonly name = "NotExecutedError";
}

/**
 * The call was sent and no answer came: it may or may not have been executed. Sending it again is safe
 * only for methods where doing it twice is the same as doing it once.
 */
export class OutcomeUnknownError extends Error {
  override readonly name = "OutcomeUnknownError";
}
