import { isSpace, trimSpace } from "./characters.js";

const ampersand = 0x26;
/** A reference to white space, which around a number does not count. */
const whiteReference = /^&#(?:0*(?:9|10|13|32)|x0*(?:9|[aAdD]|20));/;
const whiteReferenceMax = 64;

/** Whether a number's text, references and white space included, surely has more than `max` characters of its own. */
export function isLongNumber(raw: string, max: number): boolean {
  const text = trimSpace(raw);
  if (!text.includes("&")) return text.length > max;
  // References may stand for white space, too: only what surely is none counts.
  let count = 0;
  for (let at = 0; at < text.length && count <= max; ) {
    const code = text.charCodeAt(at);
    const isReference = code === ampersand;
    const isWhite = isReference ? whiteReference.test(text.slice(at, at + whiteReferenceMax)) : isSpace(code);
    if (!isWhite) count++;
    at = isReference ? text.indexOf(";", at) + 1 : at + 1;
  }
  return count > max;
}
