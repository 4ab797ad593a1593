import { isAscii, isUtf8 } from "node:buffer";
import { DecodeError, excerpt } from "./errors.js";
import { faultCodes } from "./fault.js";
import type { Limits } from "./limits.js";

type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "us-ascii" | "iso-8859-1" | "windows-1252";

/** Names as they appear in headers and declarations. UTF-16 is missing: it is known by its mark only. */
const encodings = new Map<string, Encoding>([
  ["utf-8", "utf-8"],
  ["utf8", "utf-8"],
  ["us-ascii", "us-ascii"],
  ["ascii", "us-ascii"],
  ["iso-8859-1", "iso-8859-1"],
  ["iso_8859-1", "iso-8859-1"],
  ["iso8859-1", "iso-8859-1"],
  ["latin1", "iso-8859-1"],
  ["windows-1252", "windows-1252"],
  ["cp1252", "windows-1252"],
]);

/** Bytes 0x80–0x9F of windows-1252; U+FFFD marks the five that it leaves undefined. */
const windows1252 =
  "\u20AC\uFFFD\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\uFFFD\u017D\uFFFD" +
  "\uFFFD\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\uFFFD\u017E\u0178";

/** The encoding in an XML declaration; whether the declaration is right is for the guard to say. */
const declaredEncoding =
  /^<\?xml[ \t\r\n][^>?]{0,200}?[ \t\r\n]encoding[ \t\r\n]{0,20}=[ \t\r\n]{0,20}["']([A-Za-z0-9._-]{1,40})["']/;
const declarationBytesMax = 300;

/**
 * The document's text. A byte order mark decides the encoding, else the `charset` of Content-Type,
 * else the XML declaration, else it is UTF-8 (RFC 7303, section 3). Line ends become LF, as XML asks
 * (XML 1.0, section 2.11).
 *
 * @throws DecodeError -32005 too many bytes, -32701 unknown encoding, -32702 bytes that are not in it
 */
export function decodeText(bytes: Uint8Array, charset: string | undefined, limits: Limits): string {
  if (bytes.length > limits.bytes) {
    throw new DecodeError(
      faultCodes.tooLarge,
      `a document has at most ${limits.bytes} bytes, this one has ${bytes.length}`,
    );
  }
  const document = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = decodeBytes(document, charset);
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
}

function decodeBytes(document: Buffer, charset: string | undefined): string {
  const [first, second, third] = document;
  if (first === 0xef && second === 0xbb && third === 0xbf) return decodeUtf8(document, 3);
  if (first === 0xff && second === 0xfe) return decodeUtf16("utf-16le", document.subarray(2));
  if (first === 0xfe && second === 0xff) return decodeUtf16("utf-16be", document.subarray(2));
  switch (namedEncoding(document, charset)) {
    case "utf-8":
      return decodeUtf8(document, 0);
    case "us-ascii":
      return decodeAscii(document);
    case "iso-8859-1":
      return document.toString("latin1");
    default:
      return decodeWindows1252(document);
  }
}

function namedEncoding(document: Buffer, charset: string | undefined): Encoding {
  const name = charset?.trim().replace(/^(["'])(.*)\1$/, "$2") || readDeclaredEncoding(document);
  if (name === undefined) return "utf-8";
  const encoding = encodings.get(name.toLowerCase());
  if (encoding !== undefined) return encoding;
  const hint = /^utf-?16/i.test(name) ? "UTF-16 needs a byte order mark" : "send UTF-8";
  throw new DecodeError(faultCodes.unsupportedEncoding, `unsupported encoding ${excerpt(name)}: ${hint}`);
}

function readDeclaredEncoding(document: Buffer): string | undefined {
  return declaredEncoding.exec(document.toString("latin1", 0, declarationBytesMax))?.[1];
}

function decodeUtf8(document: Buffer, start: number): string {
  if (!isUtf8(document)) {
    throw new DecodeError(faultCodes.invalidCharacter, "these bytes are not UTF-8", {
      position: firstNonUtf8(document),
    });
  }
  return document.toString("utf8", start);
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
