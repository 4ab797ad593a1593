import type { FaultCode } from "./fault.js";

/** Where a document was refused: in its text before it was understood, in its values afterwards. */
export interface Place {
  /** Index into the document: bytes while it is still bytes, UTF-16 units once it is text. */
  readonly position?: number;
  /** Path to the value, as in `params[0].name[3]`. */
  readonly path?: string;
}

/** A document was refused. `code` is the fault code to answer with, `message` the fault string. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  readonly code: FaultCode;
  readonly position: number | undefined;
  readonly path: string | undefined;
  readonly #sentence: string;

  constructor(code: FaultCode, sentence: string, place: Place = {}) {
    super(withPlace(sentence, place));
    this.code = code;
    this.position = place.position;
    this.path = place.path;
    this.#sentence = sentence;
  }

  /** The same refusal, told where it happened. */
  at(place: Place): DecodeError {
    return new DecodeError(this.code, this.#sentence, place);
  }
}

/** A value has no XML-RPC form, or none in the dialect asked for. Nothing was written. */
export class EncodeError extends Error {
  override readonly name = "EncodeError";
  /** Path to the value that cannot be written, as in `result.items[3]`. */
  readonly path: string | undefined;
  readonly #sentence: string;

  constructor(sentence: string, path?: string) {
    super(withPlace(sentence, path === undefined ? {} : { path }));
    this.path = path;
    this.#sentence = sentence;
  }

  /** The same error, told where it happened. */
  at(path: string): EncodeError {
    return new EncodeError(this.#sentence, path);
  }
}

function withPlace(sentence: string, { position, path }: Place): string {
  if (path !== undefined) return `${sentence} (at ${path})`;
  if (position !== undefined) return `${sentence} (at position ${position})`;
  return sentence;
}

/** A piece of hostile input, made safe to quote in a message: short, and in one line. */
export function excerpt(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return JSON.stringify(short);
}
