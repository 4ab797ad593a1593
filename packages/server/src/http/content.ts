/** What a request's body may be: its media type, its character set, its compression. */
import { gunzip, inflate, inflateRaw, type ZlibOptions } from "node:zlib";

/** Why a body is not taken, with the HTTP status that says so. */
export class BadContent extends Error {
  override readonly name = "BadContent";
  readonly statusCode: 400 | 413 | 415;
  constructor(statusCode: 400 | 413 | 415, sentence: string) {
    super(sentence);
    this.statusCode = statusCode;
  }
}

/** Too many large bodies are coming in at once: this one is not kept, and its call not executed. */
export class Overloaded extends Error {
  override readonly name = "Overloaded";
  constructor() {
    super(
      "overloaded, the call was not executed: too many large calls are coming in at once; try again later",
    );
  }
}

/**
 * XML, or no type at all: several clients send none. Form and plain-text posts are refused on purpose: a
 * browser lets any page send those anywhere without asking. Returns the charset, if one is named.
 */
export function checkMediaType(contentType: string | undefined): string | undefined {
  if (contentType === undefined || contentType === "text/xml") return undefined;
  const match = /^\s*(?:text|application)\/xml\s*(?:;(.*))?$/is.exec(contentType);
  if (match === null) {
    throw new BadContent(
      415,
      "XML-RPC calls are sent with Content-Type: text/xml (or application/xml, or none)",
    );
  }
  return /(?:^|;)\s*charset\s*=\s*"?([^";\s]+)/i.exec(match[1] ?? "")?.[1];
}

export type Expander = (
  body: Uint8Array,
  options: ZlibOptions,
  done: (error: Error | null, result: Buffer) => void,
) => void;

const expanders: ReadonlyMap<string, Expander> = new Map<string, Expander>([
  ["gzip", gunzip],
  ["x-gzip", gunzip],
  ["deflate", inflateEither],
]);

/**
 * `deflate` means the zlib format, but some clients send the bare stream (RFC 9110, section 8.4.1.2). The zlib
 * format begins with two bytes that are a multiple of 31, method 8 (RFC 1950, section 2.2).
 */
function inflateEither(...[body, options, done]: Parameters<Expander>): void {
  const [first = 0, second = 0] = body;
  const wrapped = (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
  (wrapped ? inflate : inflateRaw)(body, options, done);
}

/** The function that undoes a `Content-Encoding`; null when there is nothing to undo. */
export function expanderFor(contentEncoding: string | undefined): Expander | null {
  const coding = contentEncoding?.trim().toLowerCase();
  if (coding === undefined || coding === "" || coding === "identity") return null;
  const expander = expanders.get(coding);
  if (expander === undefined) {
    throw new BadContent(
      415,
      "the Content-Encoding of a call is gzip, deflate or identity, one of them only",
    );
  }
  return expander;
}

/** With the option `info`. The types of Node's functions do not know it. */
interface Expanded {
  readonly buffer: Buffer;
  /** `bytesWritten`: how much of the body it took. */
  readonly engine: { readonly bytesWritten: number };
}

/**
 * Never yields more than `maxBody` bytes, and never spends the memory for more. What stands behind the compressed data
 * belongs to nothing, and is not overlooked.
 */
export function expand(
  expander: Expander,
  body: Uint8Array,
  maxBody: number,
  done: (error: BadContent | null, body: Uint8Array) => void,
): void {
  expander(body, { maxOutputLength: maxBody, info: true }, (error, result) => {
    if (error === null) {
      const { buffer, engine } = result as unknown as Expanded;
      if (engine.bytesWritten === body.length) done(null, buffer);
      else done(new BadContent(400, "bytes behind the end of the compressed body"), body);
    } else if ("code" in error && error.code === "ERR_BUFFER_TOO_LARGE") done(tooLarge(maxBody), body);
    else done(new BadContent(400, "the body is not what its Content-Encoding says"), body);
  });
}

export function tooLarge(maxBody: number): BadContent {
  return new BadContent(413, `too large, the call was not executed: a body has at most ${maxBody} bytes`);
}
