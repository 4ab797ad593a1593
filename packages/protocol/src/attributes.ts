import { nameEnd, skipSpace } from "./characters.js";
import type { References } from "./references.js";
import { attributesMax, notWellFormed, quoted, tooManyAttributes } from "./refusals.js";

const greaterThan = 0x3e;
const slash = 0x2f;
const equalsSign = 0x3d;
const doubleQuote = 0x22;
const singleQuote = 0x27;

/**
 * Checks the attributes of one tag, which mean nothing to XML-RPC.
 *
 * @param nameEndsAt where the name of the tag's element ends
 * @returns where the tag's `>` or `/` is
 * @throws DecodeError -32700, -32005 for too many of them
 */
export function checkAttributes(text: string, nameEndsAt: number, references: References): number {
  const names = new Set<string>();
  let at = nameEndsAt;
  for (;;) {
    const start = skipSpace(text, at);
    const code = text.charCodeAt(start);
    if (code === greaterThan || code === slash) return start;
    if (start >= text.length) notWellFormed("the document ends inside a tag", start);
    const end = nameEnd(text, start);
    if (start === at || end === start) notWellFormed("this does not belong into a tag", start);
    const name = text.slice(start, end);
    if (names.has(name)) notWellFormed(`the attribute ${quoted(name)} comes twice`, start);
    if (names.size === attributesMax) tooManyAttributes(start);
    names.add(name);
    at = checkValue(text, end, references);
  }
}

/** Returns where the value's closing quote is left behind. */
function checkValue(text: string, nameEndsAt: number, references: References): number {
  const sign = skipSpace(text, nameEndsAt);
  if (text.charCodeAt(sign) !== equalsSign) notWellFormed("an attribute without a value", sign);
  const open = skipSpace(text, sign + 1);
  const quote = text.charCodeAt(open);
  if (quote !== doubleQuote && quote !== singleQuote) {
    notWellFormed("an attribute's value stands in quotes", open);
  }
  const close = text.indexOf(quote === doubleQuote ? '"' : "'", open + 1);
  if (close === -1) notWellFormed("an attribute's value is not closed", open);
  const bracket = text.slice(open + 1, close).indexOf("<");
  if (bracket !== -1) notWellFormed('"<" in an attribute: write "&lt;"', open + 1 + bracket);
  references.check(open + 1, close);
  return close + 1;
}
