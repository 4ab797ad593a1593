/** What stock clients get wrong, as this suite sees it. Each is the client's doing; the reason stands with it. */
import type { Direction } from "./features.js";

export interface Flaw {
  readonly feature: string;
  readonly direction: Direction;
  /** A part of what the suite sees: the client's own words, or what the server was sent. */
  readonly seen: string;
  /** For the table's notes: why this is the client's doing. */
  readonly why: string;
}

const receiving = (feature: string, seen: string, why: string): Flaw => ({
  feature,
  direction: "receive",
  seen,
  why,
});
const sending = (feature: string, seen: string, why: string): Flaw => ({
  feature,
  direction: "send",
  seen,
  why,
});

const noI8 = "knows no `<i8>`, an extension";
const noNil = "knows no `<nil/>`, an extension";
const i8AsText = "gives a string, because JavaScript's numbers are not exact enough";

export const frontier: readonly Flaw[] = [
  receiving("i8", "wanted a data type, got `i8'", noI8),
  receiving("nil", "wanted a data type, got `nil'", noNil),
];

export const xmlrpcLite: readonly Flaw[] = [receiving("i8", "no answer: 200 OK", noI8)];

export const phpExtension: readonly Flaw[] = [
  sending("double", '{"double":"-0"}', "writes six decimals"),
  receiving("i8", "null", `${noI8}, and gives null`),
];

const planeZero = "its UTF-8 ends at U+FFFF";
export const xmlrpcC: readonly Flaw[] = [
  receiving("emoji", "not in the Basic Multilingual Plane", planeZero),
  sending("emoji", "not in the Basic Multilingual Plane", planeZero),
];

export const xmlrpcpp: readonly Flaw[] = [receiving("i8", "failed", noI8), receiving("nil", "failed", noNil)];

export const tcl: readonly Flaw[] = [
  receiving("markup", "&lt;b&gt;", "decodes no references"),
  sending("markup", "not taken", "escapes nothing"),
  receiving("text", "error", "waits for as many characters as `Content-Length` has bytes"),
  sending("text", "not taken", "announces its length in characters, so that the document is cut"),
  receiving("emoji", "error", "the same"),
  sending("emoji", "\uFFFD", "Tcl 8.6 has no characters beyond U+FFFF"),
  receiving("base64", "344 characters", "leaves base64 as it is"),
  receiving("i8", "error", noI8),
  receiving("nil", "error", noNil),
];

export const lua: readonly Flaw[] = [
  sending("markup", "not well-formed XML", "escapes nothing"),
  receiving("base64", "the base64 text", "leaves base64 as it is"),
  receiving("i8", "Invalid <i8> element", noI8),
  receiving("nil", "Invalid <nil> element", noNil),
];

export const kolo: readonly Flaw[] = [receiving("base64", "the base64 text", "leaves base64 as it is")];

export const emacs: readonly Flaw[] = [receiving("empty string", "nil", "gives nil")];

export const axmlrpc: readonly Flaw[] = [
  sending("dateTime", "19980717T140855", "writes a time without colons, unlike the specification"),
];

export const nodeXmlrpc: readonly Flaw[] = [receiving("i8", '"9007199254740993"', i8AsText)];

export const foxglove: readonly Flaw[] = [
  sending("markup", "invalid characters", "cannot write `]]>`, which would end its CDATA section"),
  sending("dateTime", "1998-07-17T14:08:55.000Z", "writes milliseconds and a zone, which are kept"),
  receiving("i8", '"9007199254740993"', i8AsText),
  receiving("nil", "undefined", "gives undefined"),
];

export const davexmlrpc: readonly Flaw[] = [
  sending("boolean", 'a boolean is 0 or 1, not "false"', "writes words, unlike the specification"),
  sending("dateTime", "1998-07-17T14:08:55.000Z", "writes milliseconds and a zone, which are kept"),
  receiving("base64", "\\u0000\\u0001", "takes the bytes for UTF-8"),
  sending("nested", 'a boolean is 0 or 1, not "true"', "the same boolean"),
  receiving("i8", '{"i8":"9007199254740993"}', `${noI8}, and gives the element as an object`),
  receiving("nil", '{"nil":""}', `${noNil}, and gives the element as an object`),
];
