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
 * @throws Error when it refuses what can be read, or leaves a limit to others that is passed, in any encoding
 */
export function surveyAgrees(document: string, limits: Partial<Limits> = {}): boolean {
  const forms = encoded(document);
  const refused = Object.keys(readers).map((root) => agrees(forms, root as keyof typeof readers, limits));
  return refused[0] === true;
}

/** The document as UTF-8, as UTF-16 of both kinds, and as Latin-1 if that can carry it. */
function encoded(document: string): readonly [Encoded, ...Encoded[]] {
  const utf8 = Buffer.from(document);
  const marked = Buffer.from(`\uFEFF${document.replace(/^\uFEFF/, "")}`, "utf16le");
  const forms: [Encoded, ...Encoded[]] = [
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

/** The text is the same in all its forms, so that reading one of them tells what reading each would. */
function agrees(
  forms: readonly [Encoded, ...Encoded[]],
  root: keyof typeof readers,
  limits: Partial<Limits>,
): boolean {
  const [{ bytes: utf8 }] = forms;
  const read = (within: Partial<Limits>) =>
    outcome(readers[root], utf8, { charset: "utf-8", limits: within, fastPath: false });
  const refusals = forms.map(({ encoding, start, bytes }) =>
    refusalOf(() => survey(bytes, { name: encoding, start }, root, { ...defaultLimits, ...limits })),
  );
  const [first = null] = refusals;
  const leaves = refusals.includes(null);
  // Small documents pass no limit but a near one.
  if (Object.keys(limits).length === 0 && refusals.every((refusal) => refusal === null)) return false;
  const full = read(limits);
  const isRefused = full instanceof DecodeError;
  // Of what has other faults as well, the survey may have lost its way.
  const isLimitAlone = () => isRefused && full.code === -32005 && !(read({}) instanceof DecodeError);
  const isWrong = isRefused ? leaves && isLimitAlone() : refusals.some((refusal) => refusal !== null);
  if (isWrong) {
    const said = forms.map(({ encoding }, at) => `${encoding}: ${refusals[at]?.message ?? "nothing"}`);
    throw new Error(`${JSON.stringify(utf8.toString())}\nsurvey: ${said.join("; ")}\nread: ${shown(full)}`);
  }
  return first !== null;
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
