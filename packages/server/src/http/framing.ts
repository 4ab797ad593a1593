/**
 * What Node's parser lets pass although two programs could read it as different requests: the stuff of request
 * smuggling. The parser itself refuses the rest (two lengths, lengths beside chunks, bare LF, folded lines, white
 * space before a colon): `test/server/http-framing.test.ts` lists every form.
 */
import type { IncomingMessage } from "node:http";

/** Node keeps the first of several; another program may keep the last. Their lengths spare most comparisons. */
const givenOnce: ReadonlyMap<number, string> = new Map(
  ["host", "content-type", "authorization"].map((name) => [name.length, name]),
);

/** Letters, digits and marks of a host with its port (RFC 3986, section 3.2.2). */
const hostGrammar = /^[A-Za-z0-9._~:[\]%!$&'()*+,;=-]*$/;

/** What is wrong with the head of a request, as a sentence; null when nothing is. Nothing after it can be trusted. */
export function faultyFraming(request: IncomingMessage): string | null {
  const { headers, httpVersion } = request;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return "this server speaks HTTP/1.1 and HTTP/1.0";
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && httpVersion === "1.0") return "HTTP/1.0 has no Transfer-Encoding"; // RFC 9112, 6.1
  if (coding !== undefined && coding.toLowerCase() !== "chunked") {
    return "the Transfer-Encoding of a request is chunked, or none";
  }
  if (headers.host === undefined) return httpVersion === "1.1" ? "Host is missing" : null; // RFC 9112, 3.2
  if (!hostGrammar.test(headers.host)) return "Host is no address";
  return repeated(request.rawHeaders);
}

/** `rawHeaders` are names and values in turn. */
function repeated(rawHeaders: readonly string[]): string | null {
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (givenOnce.get(name.length) !== name.toLowerCase()) continue;
    const bit = 1 << name.length;
    if ((seen & bit) !== 0) return `${name} is given twice`;
    seen |= bit;
  }
  return null;
}
