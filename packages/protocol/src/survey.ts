import { passOver, tagEnd } from "./byte-markup.js";
import { isSpace, nameEnd } from "./characters.js";
import { openElementsMax } from "./counts.js";
import type { Encoding } from "./encoding.js";
import type { Limits } from "./limits.js";
import { narrow } from "./narrow.js";
import {
  nameTooLong,
  notXmlRpc,
  numberTooLong,
  quoted,
  textOutside,
  tooDeep,
  tooManyValues,
  wrongRoot,
} from "./refusals.js";
import { SurveyedText } from "./surveyed-text.js";

// A look at the bytes of a large document before anything is made of them. To turn megabytes into text, and that into
// values, takes tens to hundreds of milliseconds; one pass over the bytes takes about one for each megabyte. It follows
// tags, comments, sections and instructions as they are in well-formed XML, where no byte of another character looks
// like markup. Of UTF-16 that holds for a copy with a byte for each unit.
//
// It refuses only what is refused in any case: a limit that is passed, an element or a root that XML-RPC does not have,
// a DOCTYPE, what does not begin like XML. In doubt it says nothing: the document is read, and judged, as if nobody
// had looked. Of a document that is not well-formed it may make anything, since that one is refused as well.

/** Bytes from which a document is looked at: below, all of its limits are met as quickly without. */
export const surveyedLength = 256 * 1024;

// Not shared with other modules: V8 knows the constants of its own module, but reads those that are imported.
const lessThan = 0x3c;
const greaterThan = 0x3e;
const slash = 0x2f;
const bang = 0x21;
const question = 0x3f;
const openBracket = 0x5b;

// What an element counts as.
const unknown = 0;
const plain = 1;
const value = 2;
const container = 3;
const name = 4;
const number = 5;

/** All elements of XML-RPC. A name is looked at up to a period: `dateTime.iso8601` goes as `dateTime`. */
export const elements: ReadonlyMap<string, number> = new Map([
  ...["methodCall", "methodResponse", "params", "param", "fault", "member", "data"].map(asKind(plain)),
  ...["boolean", "string", "dateTime", "base64", "nil", "ex:nil"].map(asKind(plain)),
  ...["value"].map(asKind(value)),
  ...["array", "struct"].map(asKind(container)),
  ...["methodName", "name"].map(asKind(name)),
  ...["int", "i4", "i8", "ex:i8", "double"].map(asKind(number)),
]);

function asKind(kind: number): (element: string) => [string, number] {
  return (element) => [element, kind];
}

/** The kinds by a hash that is different for each of the names. Another name may share one: it is refused later. */
const kinds = new Uint8Array(1024);
for (const [element, kind] of elements) kinds[hashOf(element)] = kind;

/** What the loop below makes of a name, one shift and one addition for each character. */
export function hashOf(element: string): number {
  let hash = 0;
  for (const character of element) hash = (hash << 1) + character.charCodeAt(0);
  return hash & 1023;
}

/**
 * Looks for what is certainly refused, from the beginning of the text to the end or to the first find.
 *
 * @param root the element that the document is to be
 * @throws DecodeError -32005, -32600, -32700; positions count bytes, in UTF-16 units
 */
export function survey(
  document: Buffer,
  { name: encoding, start }: Encoding,
  root: string,
  limits: Limits,
): void {
  const isWide = encoding === "utf-16le" || encoding === "utf-16be";
  const bytes = isWide ? narrow(document, encoding) : document;
  const at = skipProlog(bytes, isWide ? start >> 1 : start, root);
  const scan = new Scan(bytes, at, new SurveyedText(bytes, encoding), limits);
  while (scan.goesOn());
}

/**
 * So many bytes are looked at in one call. V8 compiles a function again and again while it is called often, but hardly
 * while it loops; and it judges by the calls which others are worth to be compiled into it.
 */
const stretchBytes = 16 * 1024;

/** Goes from tag to tag, and stands before one between two calls. */
class Scan {
  readonly #bytes: Buffer;
  readonly #text: SurveyedText;
  readonly #limits: Limits;
  #at: number;
  #open = 0;
  #containers = 0;
  #values = 0;
  /** Of the element whose text begins or goes on at `#at`. */
  #kind = plain;
  /** Whether a part of that text was added up already. */
  #inPieces = false;

  constructor(bytes: Buffer, at: number, text: SurveyedText, limits: Limits) {
    this.#bytes = bytes;
    this.#at = at;
    this.#text = text;
    this.#limits = limits;
  }

  /** Looks at a stretch; false when there is nothing more to find. */
  goesOn(): boolean {
    const bytes = this.#bytes;
    const text = this.#text;
    const limits = this.#limits;
    const openMax = openElementsMax(limits);
    /** No text of so many bytes passes a limit. */
    const shortMax = Math.min(limits.nameLength, limits.digits);
    let at = this.#at;
    let open = this.#open;
    let containers = this.#containers;
    let values = this.#values;
    let kind = this.#kind;
    let inPieces = this.#inPieces;
    const end = at + stretchBytes;
    while (at < end) {
      const tag = nextTag(bytes, at);
      if (tag === -1) {
        if (kind >= name) checkLength(text, at, bytes.length, kind, limits, true);
        return false;
      }
      let code = bytes[tag + 1] ?? 0;
      if (code === bang || code === question) {
        if (kind >= name) {
          inPieces = true;
          checkLength(text, at, tag, kind, limits, true);
        }
        at = passOver(bytes, tag);
        if (at === -1) return false;
        if (kind >= name && bytes[tag + 2] === openBracket) {
          checkLength(text, tag + 9, at - 3, kind, limits, false);
        }
        continue;
      }
      if (inPieces || tag - at > shortMax) {
        if (kind >= name) checkLength(text, at, tag, kind, limits, true);
        text.reset();
        inPieces = false;
      }
      kind = plain;
      if (code === slash) {
        if (closesContainer(bytes, tag)) containers--;
        open--;
        at = tag + shortestClosing;
        continue;
      }
      let hash = 0;
      at = tag + 1;
      while (code > slash && code !== greaterThan) {
        hash = ((hash << 1) + code) | 0;
        code = bytes[++at] ?? 0;
      }
      const opened = kinds[hash & 1023] ?? unknown;
      if (opened === unknown) {
        unknownElement(bytes, tag);
        return false;
      }
      if (opened === value && ++values > limits.values) tooManyValues(limits, tag);
      if (code !== greaterThan) {
        at = code === slash ? at + 1 : tagEnd(bytes, at);
        if (at === -1) return false;
      }
      if (open === openMax) tooDeep(limits, tag);
      if (opened === container && containers === limits.depth) tooDeep(limits, tag);
      if (bytes[at++ - 1] === slash) continue;
      open++;
      if (opened === container) containers++;
      kind = opened;
    }
    this.#at = at;
    this.#open = open;
    this.#containers = containers;
    this.#values = values;
    this.#kind = kind;
    this.#inPieces = inPieces;
    return true;
  }
}

/** Of XML-RPC's elements `i4` and `i8` have the shortest names. */
const shortestClosing = "</i4>".length;

/** From here on `indexOf` is quicker than a look at each byte. */
const nearBytes = 256;

/** Most tags are near; of long texts, finding the next one would take too long byte by byte. */
function nextTag(bytes: Buffer, from: number): number {
  if (bytes[from] === lessThan) return from;
  const near = Math.min(from + nearBytes, bytes.length);
  let at = from;
  while (at < near && bytes[at] !== lessThan) at++;
  return at < near ? at : bytes.indexOf(lessThan, at);
}

/** Returns where the root element's tag begins, or what else has to be judged by others. */
function skipProlog(bytes: Buffer, start: number, root: string): number {
  let at = start;
  for (;;) {
    while (isSpace(bytes[at] ?? 0)) at++;
    if (at >= bytes.length) return at;
    if (bytes[at] !== lessThan) textOutside(at);
    const code = bytes[at + 1];
    if (code !== bang && code !== question) break;
    const end = passOver(bytes, at);
    if (end === -1) return bytes.length;
    at = end;
  }
  const found = nameAt(bytes, at + 1);
  if (found !== root && found !== "") wrongRoot(root, found, at);
  return at;
}

/** Whether `</` begins `</array` or `</struct`: of all elements these alone begin with "a" or have a "u" there. */
function closesContainer(bytes: Buffer, tag: number): boolean {
  const code = bytes[tag + 2];
  return code === 0x61 || (code === 0x73 && bytes[tag + 5] === 0x75);
}

/** Adds a piece of a name or number to those before. */
function checkLength(
  text: SurveyedText,
  start: number,
  end: number,
  kind: number,
  limits: Limits,
  references: boolean,
): void {
  const max = kind === name ? limits.nameLength : limits.digits;
  if (!text.exceeds(max, start, end, kind === number, references)) return;
  if (kind === name) nameTooLong(limits, start);
  numberTooLong(limits, start);
}

/** Refuses an element that XML-RPC does not have; unless "<" begins no tag, for others to say. */
function unknownElement(bytes: Buffer, tag: number): void {
  const element = nameAt(bytes, tag + 1);
  if (element !== "") notXmlRpc(`XML-RPC has no element <${quoted(element)}>`, tag);
}

/** Long enough for every name of XML-RPC, and to be quoted as a longer one. */
const nameBytesMax = 100;

/** The name that begins here, at most so much of it; empty when there is none. */
function nameAt(bytes: Buffer, start: number): string {
  const text = bytes.toString("utf8", start, start + nameBytesMax);
  return text.slice(0, nameEnd(text, 0));
}
