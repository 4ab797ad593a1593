/** Documents: both paths and the survey agree, only `DecodeError` is thrown, and nothing is accepted that expat refuses. */
import { DecodeError, decodeCall, decodeResponse, encodeCall, valuesEqual } from "@quorate/protocol";
import fc from "fast-check";
import { canonicalDocument } from "../conformance/canonical-documents.js";
import { damaged } from "../conformance/damage.js";
import { gentlyMutatedDocument, mutatedDocument } from "../conformance/mutations.js";
import { PythonWorker } from "../conformance/python-worker.js";
import { stockDocuments } from "../conformance/stock-documents.js";
import { surveyAgrees } from "../conformance/survey-agrees.js";
import { agree } from "../conformance/two-paths.js";
import { hostileDocument } from "./hostile-documents.js";
import type { Target } from "./search.js";

interface Case {
  readonly document: string;
  readonly charset: string | undefined;
  /** Bytes to change after encoding. */
  readonly edits: readonly (readonly [at: number, byte: number])[];
}

const document = fc.oneof(
  { weight: 4, arbitrary: mutatedDocument },
  { weight: 4, arbitrary: gentlyMutatedDocument },
  { weight: 2, arbitrary: canonicalDocument },
  { weight: 4, arbitrary: damaged(canonicalDocument) },
  { weight: 4, arbitrary: damaged(fc.constantFrom(...stockDocuments.map((stock) => stock.document))) },
  { weight: 1, arbitrary: hostileDocument },
);
const charset = fc.constantFrom(undefined, "utf-8", "us-ascii", "iso-8859-1", "windows-1252", "utf-16", "x");
const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });

const cases: fc.Arbitrary<Case> = fc.oneof(
  { weight: 3, arbitrary: document.map((text) => ({ document: text, charset: undefined, edits: [] })) },
  { weight: 1, arbitrary: fc.record({ document, charset, edits }) },
);

/** Most documents pass one of them: then the survey has something to refuse. */
const nearLimits = { depth: 2, values: 4, nameLength: 6, digits: 4 };

const codes: readonly number[] = [-32700, -32701, -32702, -32600, -32005];

function readCall(bytes: Uint8Array, encoding: string | undefined): ReturnType<typeof decodeCall> | null {
  return orRefused(() => decodeCall(bytes, { charset: encoding }));
}

function orRefused<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    if (!codes.includes(error.code)) throw new Error(`refused with ${error.code}`, { cause: error });
    if (error.message.length > 400) throw new Error(`refused in ${error.message.length} characters`);
    return null;
  }
}

export class CodecTarget implements Target<Case> {
  readonly name = "codec";
  readonly cases = cases;
  readonly #expat = new PythonWorker();
  /** Accepted, and not yet shown to expat. */
  readonly #accepted: string[] = [];

  check({ document: text, charset: encoding, edits: changes }: Case): void {
    const bytes = Buffer.from(text);
    for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
    const call = readCall(bytes, encoding);
    const answer = orRefused(() => decodeResponse(bytes, { charset: encoding }));
    if (call !== null) {
      const again = decodeCall(encodeCall(call.method, call.params));
      if (!valuesEqual(again.params, call.params)) throw new Error("written and read again it differs");
    }
    if (changes.length > 0 || encoding !== undefined) return;
    agree(text);
    surveyAgrees(text);
    surveyAgrees(text, nearLimits);
    if (call !== null || answer !== null) this.#accepted.push(text);
  }

  async settle(): Promise<void> {
    const accepted = this.#accepted.splice(0);
    const verdicts = await Promise.all(accepted.map((text) => this.#verdictOn(text)));
    for (const [index, { wellFormed, error }] of verdicts.entries()) {
      const text = accepted[index] ?? "";
      if (!wellFormed && !hasForeignNames(text)) {
        throw new Error(`accepted, but expat says ${error}: ${JSON.stringify(text)}`);
      }
    }
  }

  async #verdictOn(text: string): ReturnType<PythonWorker["wellFormed"]> {
    const verdict = await this.#expat.wellFormed(text);
    // In the encoding that it declares, its bytes may be another text, and a right one.
    return verdict.wellFormed ? verdict : await this.#expat.wellFormed(text, "bytes");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#expat[Symbol.asyncDispose]();
  }
}

/** Beyond ASCII, expat's names follow the fourth edition of XML 1.0, ours the fifth. */
function hasForeignNames(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what it leaves out
  return /<[^>]*[^\u0000-\u007F][^>]*>/.test(text);
}
