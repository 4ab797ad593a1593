import { DecodeError, excerpt, type Place } from "./errors.js";
import { faultCodes } from "./fault.js";
import type { Limits } from "./limits.js";

// What a document is refused with before its values are read. A limit can be met at several steps of reading;
// its sentence is the same at each.

export function notWellFormed(sentence: string, position: number): never {
  throw new DecodeError(faultCodes.notWellFormed, `not well-formed XML: ${sentence}`, { position });
}

export function doctype(position: number): never {
  notWellFormed("a DOCTYPE is not accepted, whatever it says", position);
}

export function textOutside(position: number): never {
  notWellFormed("text outside the root element", position);
}

/** `found` is an element's name from outside; `position` as in `tooLarge`. */
export function wrongRoot(expected: string, found: string, position?: number): never {
  notXmlRpc(`the root is <${expected}>, not <${quoted(found)}>`, position);
}

export function notXmlRpc(sentence: string, position?: number): never {
  throw new DecodeError(faultCodes.notXmlRpc, sentence, placeOf(position));
}

/** `position` is left out where the path to the value is going to say where. */
export function tooLarge(sentence: string, position?: number): never {
  throw new DecodeError(faultCodes.tooLarge, `too large: ${sentence}`, placeOf(position));
}

function placeOf(position: number | undefined): Place {
  return position === undefined ? {} : { position };
}

export function tooDeep({ depth }: Limits, position?: number): never {
  tooLarge(`values are nested at most ${depth} deep`, position);
}

export function tooManyValues({ values }: Limits, position: number): never {
  tooLarge(`at most ${values} values`, position);
}

export function tooManyElements({ values }: Limits, position: number): never {
  tooLarge(`more elements than ${values} values need`, position);
}

export function numberTooLong({ digits }: Limits, position?: number): never {
  tooLarge(`a number has at most ${digits} characters`, position);
}

export function nameTooLong({ nameLength }: Limits, position: number): never {
  tooLarge(`a name has at most ${nameLength} characters`, position);
}

/** XML-RPC has no attributes at all; namespaces and the like are few. */
export const attributesMax = 256;

export function tooManyAttributes(position: number): never {
  tooLarge(`a tag has at most ${attributesMax} attributes`, position);
}

/** A piece of the document's markup, safe to quote, and not longer than a name of XML-RPC is. */
export function quoted(markup: string): string {
  return markup.length > 40 ? `${markup.slice(0, 40)}…` : excerpt(markup).slice(1, -1);
}
