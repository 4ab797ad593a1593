import { DecodeError, excerpt } from "./errors.js";
import { faultCodes } from "./fault.js";

/** How a document's bytes are to be read. */
export interface Encoding {
  readonly name: "utf-8" | "utf-16le" | "utf-16be" | "us-ascii" | "iso-8859-1" | "windows-1252";
  /** Where the text begins: behind the byte order mark, if there is one. */
  readonly start: number;
}

/** Names as they appear in headers and declarations. UTF-16 is missing: it is known by its mark only. */
const names = new Map<string, Encoding["name"]>([
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

/** The encoding in an XML declaration; whether the declaration is right is for the guard to say. */
const declaredEncoding = /[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z0-9._-]+)["']/;
const declarationStart = /^<\?xml[ \t\r\n]/;
/** Far longer than any declaration that a program writes. */
const usualBytes = 300;

/**
 * A byte order mark decides, else the `charset` of Content-Type, else the XML declaration, else it is UTF-8
 * (RFC 7303, section 3).
 *
 * @throws DecodeError -32701 unknown encoding
 */
export function encodingOf(document: Buffer, charset: string | undefined): Encoding {
  const [first, second, third] = document;
  if (first === 0xef && second === 0xbb && third === 0xbf) return { name: "utf-8", start: 3 };
  if (first === 0xff && second === 0xfe) return { name: "utf-16le", start: 2 };
  if (first === 0xfe && second === 0xff) return { name: "utf-16be", start: 2 };
  // "<" as UTF-16 has it, which in all other encodings no text begins with (XML 1.0, appendix F).
  if ((first === 0x3c && second === 0) || (first === 0 && second === 0x3c)) unsupported("utf-16");
  const named = charset?.trim().replace(/^(["'])(.*)\1$/, "$2") || readDeclaredEncoding(document);
  if (named === undefined) return { name: "utf-8", start: 0 };
  const name = names.get(named.toLowerCase());
  return name !== undefined ? { name, start: 0 } : unsupported(named);
}

function unsupported(name: string): never {
  const hint = /^utf-?16/i.test(name) ? "UTF-16 needs a byte order mark" : "send UTF-8";
  throw new DecodeError(faultCodes.unsupportedEncoding, `unsupported encoding ${excerpt(name)}: ${hint}`);
}

function readDeclaredEncoding(document: Buffer): string | undefined {
  let text = document.toString("latin1", 0, usualBytes);
  if (!declarationStart.test(text)) return undefined;
  if (!text.includes("?>")) text = document.toString("latin1");
  return declaredEncoding.exec(text.slice(0, Math.max(0, text.indexOf("?>"))))?.[1];
}
