import { isAscii, isUtf8 } from "node:buffer";
import type { Encoding } from "./encoding.js";
import { DecodeError } from "./errors.js";
import { faultCodes } from "./fault.js";

/** Bytes 0x80–0x9F of windows-1252; U+FFFD marks the five that it leaves undefined. */
const windows1252 =
  "\u20AC\uFFFD\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\uFFFD\u017D\uFFFD" +
  "\uFFFD\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\uFFFD\u017E\u0178";

/**
 * The document's text. Line ends become LF, as XML asks (XML 1.0, section 2.11).
 *
 * @throws DecodeError -32702 bytes that are not in the encoding
 */
export function decodeText(document: Buffer, encoding: Encoding): string {
  const text = decodeBytes(document, encoding);
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
}

function decodeBytes(document: Buffer, { name, start }: Encoding): string {
  switch (name) {
    case "utf-8":
      return decodeUtf8(document, start);
    case "utf-16le":
    case "utf-16be":
      return decodeUtf16(name, document.subarray(start));
    case "us-ascii":
      return decodeAscii(document);
    case "iso-8859-1":
      return document.toString("latin1");
    case "windows-1252":
      return decodeWindows1252(document);
  }
}

function decodeUtf8(document: Buffer, start: number): string {
  if (!isUtf8(document)) {
    throw new DecodeError(faultCodes.invalidCharacter, "these bytes are not UTF-8", {
      position: firstNonUtf8(document),
    });
  }
  // Of ASCII bytes this makes the same text in a small part of the time.
  return document.toString(isAscii(document) ? "latin1" : "utf8", start);
}

/** Only to tell people where: a lenient decoder puts U+FFFD where the bytes stop making sense. */
function firstNonUtf8(document: Buffer): number {
  const lenient = document.toString("utf8");
  let bytes = 0;
  let from = 0;
  for (;;) {
    const mark = lenient.indexOf("\uFFFD", from);
    if (mark === -1) return bytes;
    bytes += Buffer.byteLength(lenient.slice(from, mark));
    if (document.toString("latin1", bytes, bytes + 3) !== "\xEF\xBF\xBD") return bytes;
    bytes += 3;
    from = mark + 1;
  }
}

function decodeUtf16(encoding: "utf-16le" | "utf-16be", document: Buffer): string {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(document);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new DecodeError(faultCodes.invalidCharacter, "these bytes are not UTF-16");
  }
}

function decodeAscii(document: Buffer): string {
  if (!isAscii(document)) {
    const position = document.findIndex((byte) => byte >= 0x80);
    throw new DecodeError(faultCodes.invalidCharacter, "this byte is not US-ASCII", { position });
  }
  return document.toString("latin1");
}

function decodeWindows1252(document: Buffer): string {
  return document.toString("latin1").replace(/[\x80-\x9F]/g, (character, position: number) => {
    const decoded = windows1252.charAt(character.charCodeAt(0) - 0x80);
    if (decoded === "\uFFFD") {
      throw new DecodeError(faultCodes.invalidCharacter, "this byte is not windows-1252", { position });
    }
    return decoded;
  });
}
