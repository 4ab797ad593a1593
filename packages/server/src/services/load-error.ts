/** A service file cannot be used: which file, where, what to do. */
export class ServiceLoadError extends Error {
  override readonly name = "ServiceLoadError";
  constructor(sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause });
  }
}
