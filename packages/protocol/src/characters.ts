/** The first character that XML 1.0 cannot carry in any form (section 2.2): lone surrogates included. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
export const illegalCharacter = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uD800-\uDFFF\uFFFE\uFFFF]/u;

/**
 * What `illegalCharacter` looks for, and every surrogate besides. It sees UTF-16 units instead of code
 * points, which in text beyond Latin-1 costs a small part of the time: who finds nothing is done.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
export const suspectCharacter = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uD800-\uDFFF\uFFFE\uFFFF]/;

/** Whether XML 1.0 may carry this code point, as itself or as a reference (section 2.2, `Char`). */
export function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}

/** XML's white space (section 2.3, `S`): four characters, far fewer than JavaScript's. */
export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0xa || code === 0x9 || code === 0xd;
}

/** The first place at or after `start` that is no white space. */
export function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

export function isBlank(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (!isSpace(text.charCodeAt(index))) return false;
  }
  return true;
}

/** The text without XML white space at both ends. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return end - start === text.length ? text : text.slice(start, end);
}

/** The characters that the XML-RPC specification allows in a method's name. */
export const methodName = /^[A-Za-z0-9_.:/]+$/;

// Names of elements (section 2.3, `NameStartChar` and `NameChar`): a table for ASCII, expressions for the rest.
const startBit = 1;
const nameBit = 2;
const ascii = new Uint8Array(128);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:") {
  ascii[character.charCodeAt(0)] = startBit | nameBit;
}
for (const character of "-.0123456789") ascii[character.charCodeAt(0)] = nameBit;

const nameStart =
  /[\xC0-\xD6\xD8-\xF6\xF8-\u02FF\u0370-\u037D\u037F-\u1FFF\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\u{10000}-\u{EFFFF}]|\u200C|\u200D/u;
const namePart = /\xB7|[\u0300-\u036F]|[\u203F\u2040]/;

/** The end of the name that starts at `start`; `start` itself when there is none. */
export function nameEnd(text: string, start: number): number {
  let at = start;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code < 128) {
      if (((ascii[code] ?? 0) & (at === start ? startBit : nameBit)) === 0) return at;
      at++;
      continue;
    }
    if (Number.isNaN(code)) return at;
    const character = String.fromCodePoint(text.codePointAt(at) ?? code);
    if (!nameStart.test(character) && (at === start || !namePart.test(character))) return at;
    at += character.length;
  }
}
