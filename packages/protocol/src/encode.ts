import { illegalCharacter, methodName, suspectCharacter } from "./characters.js";
import { DateTime } from "./date-time.js";
import { DocumentBuilder } from "./document-builder.js";
import { EncodeError, excerpt } from "./errors.js";
import type { Fault } from "./fault.js";
import { type Limits, resolveLimits } from "./limits.js";
import { formatPath } from "./path.js";
import { Double, type Encodable, isInt } from "./value.js";

/**
 * Which extensions may be written.
 * - `standard`: `<i8>` for a bigint and `<nil/>` for null
 * - `strict`: none; a bigint or null is an `EncodeError`, for peers that know neither
 * - `apache`: `<ex:i8>` and `<ex:nil/>`, for peers built on Apache's libraries
 */
export type Dialect = "standard" | "strict" | "apache";

export interface EncodeOptions {
  /** Default: `standard`. */
  readonly dialect?: Dialect | undefined;
  /** Only `depth` matters: what we write must not nest deeper than what we read. */
  readonly limits?: Partial<Limits> | undefined;
}

const header = '<?xml version="1.0" encoding="UTF-8"?>\n';
export const apacheNamespace = ' xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions"';

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** @throws EncodeError when a parameter has no XML-RPC form, or the name is none */
export function encodeCall(
  method: string,
  params: readonly Encodable[],
  options: EncodeOptions = {},
): Buffer {
  if (!methodName.test(method)) {
    throw new EncodeError(`a method's name consists of A-Z a-z 0-9 _ . : /, unlike ${excerpt(method)}`);
  }
  const document = new DocumentBuilder();
  const writer = new ValueWriter(document, options);
  let text = `${opening("methodCall", options)}<methodName>${method}</methodName><params>`;
  for (const [index, param] of params.entries()) {
    text = `${writer.write(`${text}<param>`, `params[${index}]`, param)}</param>`;
  }
  return document.end(`${text}</params></methodCall>\n`);
}

/** @throws EncodeError when the value has no XML-RPC form, or none in this dialect */
export function encodeResponse(value: Encodable, options: EncodeOptions = {}): Buffer {
  const document = new DocumentBuilder();
  const before = `${opening("methodResponse", options)}<params><param>`;
  const text = new ValueWriter(document, options).write(before, "result", value);
  return document.end(`${text}</param></params></methodResponse>\n`);
}

/**
 * Never fails, because a fault is what remains when all else has failed: characters of its text that
 * XML cannot carry become U+FFFD.
 */
export function encodeFault(fault: Pick<Fault, "faultCode" | "faultString">): Buffer {
  const text = fault.faultString.replace(new RegExp(illegalCharacter, "gu"), "\uFFFD");
  const code = isInt(fault.faultCode) ? fault.faultCode : 0;
  const content =
    `${opening("methodResponse", {})}<fault><value><struct><member><name>faultCode</name><value><int>${code}</int></value></member>` +
    `<member><name>faultString</name><value><string>${escapeText(text)}</string></value></member></struct></value></fault></methodResponse>\n`;
  return Buffer.from(content, "utf8");
}

function opening(root: string, { dialect }: EncodeOptions): string {
  return `${header}<${root}${dialect === "apache" ? apacheNamespace : ""}>`;
}

/** Writes values into a document. It recurses once per level of nesting, which the limit bounds. */
class ValueWriter {
  readonly #document: DocumentBuilder;
  readonly #dialect: Dialect;
  readonly #depthMax: number;
  /** Where the value lies that is being written; its length is the depth. */
  readonly #path: (string | number)[] = [];

  constructor(document: DocumentBuilder, options: EncodeOptions) {
    this.#document = document;
    this.#dialect = options.dialect ?? "standard";
    this.#depthMax = resolveLimits(options.limits).depth;
  }

  /** Writes behind `text`, and returns what the document has not taken yet. */
  write(text: string, root: string, value: Encodable): string {
    try {
      return this.#value(text, value);
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      throw error.at(formatPath(root, this.#path));
    }
  }

  #value(text: string, value: Encodable): string {
    const simple = writeSimple(value);
    if (simple !== undefined) return text + simple;
    if (value === null) return text + this.#nil();
    if (typeof value === "bigint") return text + this.#i8(value);
    if (typeof value === "object") return this.#object(text, value);
    throw new EncodeError(`${typeof value} has no XML-RPC form`);
  }

  #i8(value: bigint): string {
    if (this.#dialect === "strict") throw new EncodeError("the strict dialect has no <i8> for a bigint");
    if (value < int64Min || value > int64Max)
      throw new EncodeError("a bigint beyond 64 bits has no XML-RPC form");
    const type = this.#dialect === "apache" ? "ex:i8" : "i8";
    return `<value><${type}>${value}</${type}></value>`;
  }

  #nil(): string {
    if (this.#dialect === "strict") throw new EncodeError("the strict dialect has no <nil/> for null");
    return this.#dialect === "apache" ? "<value><ex:nil/></value>" : "<value><nil/></value>";
  }

  #object(text: string, value: Encodable & object): string {
    if (isEncodableArray(value)) return this.#array(text, value);
    if (value instanceof Double) return text + writeDouble(value.value);
    if (value instanceof DateTime) return text + writeDateTime(value);
    if (value instanceof Date) return text + writeDateTime(DateTime.fromDate(value));
    if (value instanceof Uint8Array) return this.#bytes(text, value);
    return this.#struct(text, value);
  }

  #bytes(text: string, { buffer, byteOffset, byteLength }: Uint8Array): string {
    const base64 = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    return `${this.#document.takeAscii(`${text}<value><base64>`, base64)}</base64></value>`;
  }

  #array(before: string, items: readonly Encodable[]): string {
    const at = this.#enter(0);
    let text = `${before}<value><array><data>`;
    for (let index = 0; index < items.length; index++) {
      this.#path[at] = index;
      text = this.#document.take(this.#value(text, items[index] as Encodable)); // a hole is undefined, and refused as such
    }
    this.#path.pop();
    return `${text}</data></array></value>`;
  }

  #struct(before: string, members: { readonly [name: string]: Encodable }): string {
    if (!isPlain(members)) {
      const name: unknown = members.constructor?.name;
      throw new EncodeError(`an object of class ${String(name)} has no XML-RPC form: pass a plain object`);
    }
    const at = this.#enter("");
    let text = `${before}<value><struct>`;
    for (const name of Object.keys(members)) {
      this.#path[at] = name;
      const opening = `<member><name>${writeText(name)}</name>`;
      const value = members[name] as Encodable;
      const simple = writeSimple(value);
      if (simple !== undefined) text += `${opening}${simple}</member>`;
      else text = `${this.#value(text + opening, value)}</member>`;
      text = this.#document.take(text);
    }
    this.#path.pop();
    return `${text}</struct></value>`;
  }

  #enter(step: string | number): number {
    if (this.#path.length >= this.#depthMax) {
      throw new EncodeError(`values are nested at most ${this.#depthMax} deep; does it contain itself?`);
    }
    return this.#path.push(step) - 1;
  }
}

function isEncodableArray(value: object): value is readonly Encodable[] {
  return Array.isArray(value);
}

/** Without a prototype, or with one that has none itself: `Object.prototype`, of whatever realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function writeDouble(value: number): string {
  if (!Number.isFinite(value)) throw new EncodeError(`${value} has no XML-RPC form`);
  return `<value><double>${decimal(value)}</double></value>`;
}

const exponential = /^(-?)([0-9])(?:\.([0-9]+))?e([+-][0-9]+)$/;

/**
 * The shortest digits that read back the same, in the only notation that the specification allows: a period
 * between two digits and no exponent. -0 keeps its sign, which as `<int>` it would lose.
 */
function decimal(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return Object.is(value, -0) ? "-0.0" : `${value}.0`;
  const text = String(value);
  if (!text.includes("e")) return text;
  const [, sign, first, more = "", exponent] = exponential.exec(text) ?? [];
  const digits = `${first}${more}`;
  const point = 1 + Number(exponent); // where the period stands, counted from the first digit
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, "0")}.0`; // from 1e21 on all digits stand before it: there are at most 17
}

/**
 * What nearly all values are; undefined for the others. Put together by itself: what is added to a long text piece by
 * piece costs a node of V8's for each.
 */
function writeSimple(value: Encodable): string | undefined {
  if (typeof value === "string") return `<value><string>${writeText(value)}</string></value>`;
  if (typeof value === "number")
    return isInt(value) ? `<value><int>${value}</int></value>` : writeDouble(value);
  if (typeof value === "boolean")
    return value ? "<value><boolean>1</boolean></value>" : "<value><boolean>0</boolean></value>";
  return undefined;
}

function writeDateTime(value: DateTime): string {
  return `<value><dateTime.iso8601>${value.text}</dateTime.iso8601></value>`;
}

/** Names and other short texts are looked through faster by hand than by expressions. */
const shortMax = 32;
/** Of ASCII, what stands in a text as it is. */
const plain = Uint8Array.from({ length: 128 }, (_, code) =>
  code >= 0x20 && !"&<>".includes(String.fromCharCode(code)) ? 1 : 0,
);

function isPlainText(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (plain[text.charCodeAt(index)] !== 1) return false; // beyond ASCII there is no entry
  }
  return true;
}

function writeText(text: string): string {
  if (text.length <= shortMax && isPlainText(text)) return text;
  if (suspectCharacter.test(text)) requireXmlCharacters(text);
  return escapeText(text);
}

function requireXmlCharacters(text: string): void {
  const position = text.search(illegalCharacter);
  if (position === -1) return;
  const code = (text.codePointAt(position) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  throw new EncodeError(`XML cannot carry the character U+${code} of this string: send base64`);
}

/** A raw CR would be read as LF. */
function escapeText(text: string): string {
  let escaped = text;
  if (escaped.includes("&")) escaped = escaped.replace(/&/g, "&amp;"); // first: the others write ampersands
  if (escaped.includes("<")) escaped = escaped.replace(/</g, "&lt;");
  if (escaped.includes(">")) escaped = escaped.replace(/>/g, "&gt;");
  if (escaped.includes("\r")) escaped = escaped.replace(/\r/g, "&#13;");
  return escaped;
}
