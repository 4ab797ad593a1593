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

/**
 * Returns whether the survey refuses the document as a call.
 * @throws Error when it refuses what can be read
 */
export function surveyAgrees(document: string, limits: Partial<Limits> = {}): boolean {
  const bytes = Buffer.from(document);
  const refusals = Object.entries(readers).map(([root, decode]) => {
    const refusal = surveyed(bytes, root, limits);
    if (refusal === null) return null;
    const full = outcome(decode, bytes, { charset: "utf-8", limits, fastPath: false });
    if (!(full instanceof DecodeError)) {
      throw new Error(`${JSON.stringify(document)}\nsurvey: ${refusal.message}\nread: ${shown(full)}`);
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
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  try {
    survey(bytes, { name: "utf-8", start }, root, { ...defaultLimits, ...limits });
    return null;
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}
