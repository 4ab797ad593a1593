import { attributesMax, doctype, tooManyAttributes } from "./refusals.js";

// Where the markup of well-formed XML ends, in bytes.

const greaterThan = 0x3e;
const question = 0x3f;
const openBracket = 0x5b;
const dash = 0x2d;
const closeBracket = 0x5d;
const capitalD = 0x44;
const doubleQuote = 0x22;
const singleQuote = 0x27;

/** The end of a comment, section or instruction; -1 when there is none. */
export function passOver(bytes: Buffer, tag: number): number {
  if (bytes[tag + 1] === question) return behind(bytes, tag + 3, question, 1);
  const code = bytes[tag + 2];
  if (code === dash) return behind(bytes, tag + 6, dash, 2);
  if (code === openBracket) return behind(bytes, tag + 11, closeBracket, 2);
  if (code === capitalD && bytes.toString("latin1", tag + 2, tag + 9) === "DOCTYPE") doctype(tag);
  return -1;
}

/** Behind the first `>` at or after `from` that so many of these come before; -1 when there is none. */
function behind(bytes: Buffer, from: number, code: number, times: 1 | 2): number {
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] === greaterThan && bytes[at - 1] === code && bytes[at - times] === code) return at + 1;
  }
  return -1;
}

/** Where the `>` of a tag is, from the end of its name; -1 when the document ends before. */
export function tagEnd(bytes: Buffer, nameEnd: number): number {
  let attributes = 0;
  for (let at = nameEnd; at < bytes.length; at++) {
    const code = bytes[at];
    if (code === greaterThan) return at;
    if (code === doubleQuote || code === singleQuote) {
      if (++attributes > attributesMax) tooManyAttributes(at);
      at = bytes.indexOf(code, at + 1);
      if (at === -1) return -1;
    }
  }
  return -1;
}
