import { DecodeError, excerpt } from "./errors.js";
import { faultCodes } from "./fault.js";
import type { Limits } from "./limits.js";

// What a document is refused with before its values are read. A limit can be met at several steps of reading;
// its sentence is the same at each.

export function notWellFormed(sentence: string, position: number): never {
  throw new DecodeError(faultCodes.notWellFormed, `not well-formed XML: ${sentence}`, { position });
}

/** `position` is left out where the path to the value is going to say where. */
export function tooLarge(sentence: string, position?: number): never {
  const place = position === undefined ? {} : { position };
  throw new DecodeError(faultCodes.tooLarge, `too large: ${sentence}`, place);
}

export function tooDeep({ depth }: Limits, position?: number): never {
  tooLarge(`values are nested at most ${depth} deep`, position);
}

export function tooManyValues({ values }: Limits, position: number): never {
  tooLarge(`at most ${values} values`, position);
}

export function numberTooLong({ digits }: Limits, position?: number): never {
  tooLarge(`a number has at most ${digits} characters`, position);
}

export function nameTooLong({ nameLength }: Limits, position: number): never {
  tooLarge(`a name has at most ${nameLength} characters`, position);
}

/** A piece of the document's markup, safe to quote, and not longer than a name of XML-RPC is. */
export function quoted(markup: string): string {
  return markup.length > 40 ? `${markup.slice(0, 40)}…` : excerpt(markup).slice(1, -1);
}
