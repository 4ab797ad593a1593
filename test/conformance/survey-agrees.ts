/** What the survey of a document's bytes refuses, reading the whole of it refuses, too. */
import {
  DecodeError,
  decodeCall,
  decodeResponse,
  defaultLimits,
  type Limits,
  survey,
} from "@quorate/protocol";
import { outcome, shown } from "./two-paths.js";

const readers = { methodCall: decodeCall, methodResponse: decodeResponse };

type EncodingName = Parameters<typeof survey>[1]["name"];

interface Encoded {
  readonly encoding: EncodingName;
  readonly start: number;
  readonly bytes: Buffer;
}

/**
 * Returns whether the survey refuses the document as a call.
 * @throws Error when it refuses what can be read, or leaves a limit to others that is passed
 */
export function surveyAgrees(document: string, limits: Partial<Limits> = {}): boolean {
  const refused = encoded(document).map((form) => agrees(document, form, limits));
  return refused[0] === true;
}

/** The document as UTF-8, as UTF-16 of both kinds, and as Latin-1 if that can carry it. */
function encoded(document: string): Encoded[] {
  const utf8 = Buffer.from(document);
  const marked = Buffer.from(`\uFEFF${document}`, "utf16le");
  const forms: Encoded[] = [
    { encoding: "utf-8", start: startOfUtf8(utf8), bytes: utf8 },
    { encoding: "utf-16le", start: 2, bytes: marked },
    { encoding: "utf-16be", start: 2, bytes: Buffer.from(marked).swap16() },
  ];
  const latin1 = Buffer.from(document, "latin1");
  if (latin1.toString("latin1") === document) {
    forms.push({ encoding: "iso-8859-1", start: 0, bytes: latin1 });
  }
  return forms;
}

function agrees(document: string, form: Encoded, limits: Partial<Limits>): boolean {
  const { encoding, start, bytes } = form;
  const refusals = Object.entries(readers).map(([root, decode]) => {
    const refusal = refusalOf(() =>
      survey(bytes, { name: encoding, start }, root, { ...defaultLimits, ...limits }),
    );
    const read = (within: Partial<Limits>) =>
      outcome(decode, bytes, { charset: encoding, limits: within, fastPath: false });
    const full = read(limits);
    const isRefused = full instanceof DecodeError;
    // Of what has other faults as well, the survey may have lost its way.
    const isLimitAlone = isRefused && full.code === -32005 && !(read({}) instanceof DecodeError);
    if (refusal === null ? isLimitAlone : !isRefused) {
      const said = refusal === null ? "nothing" : refusal.message;
      throw new Error(`${encoding} ${JSON.stringify(document)}\nsurvey: ${said}\nread: ${shown(full)}`);
    }
    return refusal;
  });
  return refusals[0] !== null;
}

export function surveyed(
  bytes: Buffer,
  root = "methodCall",
  limits: Partial<Limits> = {},
): DecodeError | null {
  const encoding = { name: "utf-8", start: startOfUtf8(bytes) } as const;
  return refusalOf(() => survey(bytes, encoding, root, { ...defaultLimits, ...limits }));
}

/** Behind the byte order mark, if there is one. */
function startOfUtf8(bytes: Buffer): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

function refusalOf(look: () => void): DecodeError | null {
  try {
    look();
    return null;
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}
