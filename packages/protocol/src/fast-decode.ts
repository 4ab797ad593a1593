import { illegalCharacter, isSpace, isXmlCharacter, methodName, suspectCharacter } from "./characters.js";
import { declaration } from "./declaration.js";
import type { Call } from "./decode.js";
import { apacheNamespace } from "./encode.js";
import { DecodeError } from "./errors.js";
import { type Fault, faultOf } from "./fault.js";
import type { Limits } from "./limits.js";
import { readBase64, readBoolean, readDateTime, readDouble, readI8, readInt, readNil } from "./scalar.js";
import { type Struct, struct, type Value } from "./value.js";

// The fast path: one forward pass from the text straight to values, for documents as stock encoders
// write them. It knows the elements of XML-RPC without attributes, white space between them and plain
// references, and nothing else of XML. At the first surprise it gives up without judging, and the full
// path reads the document from its beginning. So it must never accept what the full path refuses, nor
// read it differently; and it need not accept anything.

/**
 * Reads a `methodCall` document, if it is a canonical one.
 *
 * @param text as `decodeText` yields it
 * @returns undefined for whatever the full path has to decide; nothing is refused here
 */
export function decodeCallFast(text: string, limits: Limits): Call | undefined {
  return attempt(text, limits, (reader) => reader.call());
}

/** Reads a `methodResponse` document, if it is a canonical one; otherwise as `decodeCallFast`. */
export function decodeResponseFast(text: string, limits: Limits): Value | Fault | undefined {
  return attempt(text, limits, (reader) => reader.response());
}

const lessThan = 0x3c;
const slash = 0x2f;

/** Thrown to give up: made once, because it says nothing of the document. */
const surprise = Symbol("not canonical");

function attempt<T>(text: string, limits: Limits, read: (reader: FastReader) => T): T | undefined {
  if (text.includes("]]>")) return undefined; // CDATA, or an error
  if (suspectCharacter.test(text) && illegalCharacter.test(text)) return undefined;
  try {
    return read(new FastReader(text, limits));
  } catch (error) {
    if (error === surprise || error instanceof DecodeError) return undefined;
    throw error;
  }
}

/**
 * Each method reads what its name says from the current position, and stands behind it afterwards.
 * It recurses once per level of nesting, which the limit bounds. The guard's limits on elements and on
 * their depth need no counting here: a canonical document passes the limits on values and depth first.
 */
class FastReader {
  readonly #text: string;
  readonly #limits: Limits;
  #at = 0;
  #depth = 0;
  #values = 0;
  /** The next `&` at or after the current position: remembered, to stay linear. */
  #ampersand = -1;

  constructor(text: string, limits: Limits) {
    this.#text = text;
    this.#limits = limits;
  }

  call(): Call {
    this.#open("methodCall");
    this.#expect("<methodName>");
    const method = this.#name("</methodName>");
    if (!methodName.test(method)) throw surprise;
    const params: Value[] = [];
    if (this.#takes("<params>")) {
      while (!this.#takes("</params>")) params.push(this.#param());
    } else {
      this.#takesEmpty("params");
    }
    this.#close("</methodCall>");
    return { method, params };
  }

  response(): Value | Fault {
    this.#open("methodResponse");
    const result = this.#takes("<fault>") ? this.#fault() : this.#result();
    this.#close("</methodResponse>");
    return result;
  }

  #fault(): Fault {
    const fault = faultOf(this.#value());
    if (fault === undefined) throw surprise;
    this.#expect("</fault>");
    return fault;
  }

  #result(): Value {
    this.#expect("<params>");
    const result = this.#param();
    this.#expect("</params>");
    return result;
  }

  #param(): Value {
    this.#expect("<param>");
    const value = this.#value();
    this.#expect("</param>");
    return value;
  }

  /** The declaration, if there is one, and the start of the root element. */
  #open(root: string): void {
    if (this.#text.startsWith("<?xml")) {
      const match = declaration.exec(this.#text);
      if (match === null) throw surprise;
      this.#at = match[0].length;
    }
    if (!this.#takes(`<${root}>`)) this.#expect(`<${root}${apacheNamespace}>`);
  }

  #close(root: string): void {
    this.#expect(root);
    this.#skipSpace();
    if (this.#at !== this.#text.length) throw surprise;
  }

  #value(): Value {
    if (++this.#values > this.#limits.values) throw surprise;
    if (!this.#takes("<value>")) return this.#empty("value", "");
    const start = this.#at;
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== lessThan || this.#text.charCodeAt(this.#at + 1) === slash) {
      this.#at = start;
      return this.#content("</value>");
    }
    const value = this.#typed();
    this.#expect("</value>");
    return value;
  }

  #typed(): Value {
    switch (this.#text[this.#at + 1]) {
      case "s":
        if (this.#takes("<string>")) return this.#content("</string>");
        return this.#text.startsWith("<struct", this.#at) ? this.#struct() : this.#empty("string", "");
      case "i":
        if (this.#takes("<int>")) return readInt(this.#content("</int>"), this.#limits);
        if (this.#takes("<i4>")) return readInt(this.#content("</i4>"), this.#limits);
        this.#expect("<i8>");
        return readI8(this.#content("</i8>"), this.#limits);
      case "b":
        if (this.#takes("<boolean>")) return readBoolean(this.#content("</boolean>"));
        this.#expect("<base64>");
        return readBase64(this.#content("</base64>"));
      case "d":
        if (this.#takes("<double>")) return readDouble(this.#content("</double>"), this.#limits);
        this.#expect("<dateTime.iso8601>");
        return readDateTime(this.#content("</dateTime.iso8601>"));
      case "a":
        this.#expect("<array>");
        return this.#array();
      case "n":
        return this.#takes("<nil>") ? readNil(this.#content("</nil>")) : this.#empty("nil", null);
      case "e":
        if (this.#takes("<ex:i8>")) return readI8(this.#content("</ex:i8>"), this.#limits);
        return this.#empty("ex:nil", null);
      default:
        throw surprise;
    }
  }

  #array(): Value[] {
    if (++this.#depth > this.#limits.depth) throw surprise;
    const items: Value[] = [];
    if (this.#takes("<data>")) {
      while (!this.#takes("</data>")) items.push(this.#value());
    } else if (!this.#takesEmpty("data")) {
      throw surprise;
    }
    this.#expect("</array>");
    this.#depth--;
    return items;
  }

  #struct(): Struct {
    if (++this.#depth > this.#limits.depth) throw surprise;
    const members = struct();
    if (this.#takes("<struct>")) {
      while (!this.#takes("</struct>")) {
        this.#expect("<member>");
        const name = this.#takes("<name>") ? this.#name("</name>") : this.#empty("name", "");
        members[name] = this.#value();
        this.#expect("</member>");
      }
    } else if (!this.#takesEmpty("struct")) {
      throw surprise;
    }
    this.#depth--;
    return members;
  }

  #name(close: string): string {
    const name = this.#content(close);
    if (name.length > this.#limits.nameLength) throw surprise;
    return name;
  }

  /** The text up to the next tag, which must be the one that closes it. */
  #content(close: string): string {
    const start = this.#at;
    const end = this.#text.indexOf("<", start);
    if (end === -1 || !this.#text.startsWith(close, end)) throw surprise;
    this.#at = end + close.length;
    const content = this.#text.slice(start, end);
    if (this.#ampersand < start) this.#ampersand = this.#find("&", start);
    return this.#ampersand < end ? decodeReferences(content) : content;
  }

  #find(what: string, from: number): number {
    const found = this.#text.indexOf(what, from);
    return found === -1 ? Number.POSITIVE_INFINITY : found;
  }

  /** White space, then this tag. */
  #expect(tag: string): void {
    if (!this.#takes(tag)) throw surprise;
  }

  /** Whether this tag is next, after white space: then it is read. */
  #takes(tag: string): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith(tag, this.#at)) return false;
    this.#at += tag.length;
    return true;
  }

  /** White space, then an element without content, in one of its two usual forms. */
  #empty<T>(name: string, value: T): T {
    if (!this.#takesEmpty(name)) throw surprise;
    return value;
  }

  #takesEmpty(name: string): boolean {
    return this.#takes(`<${name}/>`) || this.#takes(`<${name} />`);
  }

  #skipSpace(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
  }
}

const predefined = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);
const numbered = /^#(?:([0-9]{1,7})|x([0-9A-Fa-f]{1,6}))$/;

function decodeReferences(text: string): string {
  let decoded = "";
  let from = 0;
  for (let at = text.indexOf("&"); at !== -1; at = text.indexOf("&", from)) {
    const end = text.indexOf(";", at);
    if (end === -1) throw surprise;
    decoded += text.slice(from, at) + referred(text.slice(at + 1, end));
    from = end + 1;
  }
  return decoded + text.slice(from);
}

/** The character that a reference stands for: one of the five names, or a short number. */
function referred(name: string): string {
  const character = predefined.get(name);
  if (character !== undefined) return character;
  const match = numbered.exec(name);
  if (match === null) throw surprise;
  const [, decimal, hexadecimal] = match;
  const code = decimal !== undefined ? Number(decimal) : Number(`0x${hexadecimal}`);
  if (!isXmlCharacter(code)) throw surprise;
  return String.fromCodePoint(code);
}
