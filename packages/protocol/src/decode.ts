import { methodName } from "./characters.js";
import { encodingOf } from "./encoding.js";
import { DecodeError, excerpt } from "./errors.js";
import { decodeCallFast, decodeResponseFast } from "./fast-decode.js";
import { type Fault, faultCodes, faultOf } from "./fault.js";
import { checkWellFormed } from "./guard.js";
import { type Limits, resolveLimits } from "./limits.js";
import { type Element, refuse, shown, TreeReader } from "./read.js";
import { wrongRoot } from "./refusals.js";
import { survey, surveyedLength } from "./survey.js";
import { decodeText } from "./text.js";
import type { Value } from "./value.js";
import { parseXml } from "./xml.js";

export interface DecodeOptions {
  /** The `charset` parameter of the Content-Type header, if there was one. */
  readonly charset?: string | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Whether canonical documents may take the short way, default true. It changes nothing but the time. */
  readonly fastPath?: boolean | undefined;
}

/** What a client asks for. */
export interface Call {
  readonly method: string;
  readonly params: Value[];
}

/**
 * Reads a `methodCall` document.
 *
 * @throws DecodeError -32005 a limit is passed, -32701 and -32702 encoding, -32700 not well-formed,
 *   -32600 not a call as XML-RPC describes it
 * @throws RangeError when the limits themselves make no sense
 */
export function decodeCall(bytes: Uint8Array, options: DecodeOptions = {}): Call {
  const limits = resolveLimits(options.limits);
  const text = readText(bytes, options.charset, limits, "methodCall");
  const call = options.fastPath === false ? undefined : decodeCallFast(text, limits);
  return call ?? readCall(readRoot(text, limits, "methodCall"), limits);
}

/** Reads a `methodResponse` document: a value, or the fault that the server answered with. Throws as `decodeCall` does. */
export function decodeResponse(bytes: Uint8Array, options: DecodeOptions = {}): Value | Fault {
  const limits = resolveLimits(options.limits);
  const text = readText(bytes, options.charset, limits, "methodResponse");
  const answer = options.fastPath === false ? undefined : decodeResponseFast(text, limits);
  if (answer !== undefined) return answer; // null is an answer
  return readResponse(readRoot(text, limits, "methodResponse"), limits);
}

/** The document's text; of a large document only if a look at its bytes finds nothing against it. */
function readText(bytes: Uint8Array, charset: string | undefined, limits: Limits, root: string): string {
  if (bytes.length > limits.bytes) {
    throw new DecodeError(
      faultCodes.tooLarge,
      `a document has at most ${limits.bytes} bytes, this one has ${bytes.length}`,
    );
  }
  const document = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const encoding = encodingOf(document, charset);
  if (document.length >= surveyedLength) survey(document, encoding, root, limits);
  return decodeText(document, encoding);
}

function readRoot(text: string, limits: Limits, expected: string): Element {
  const reader = new TreeReader(limits);
  const document = { name: "document", children: parseXml(checkWellFormed(text, limits)) };
  const [root] = reader.elements(document);
  if (root?.name !== expected) wrongRoot(expected, root?.name ?? "");
  return root;
}

function readCall(call: Element, limits: Limits): Call {
  const reader = new TreeReader(limits);
  let name: Element | undefined;
  let params: Element | undefined;
  for (const child of reader.elements(call)) {
    if (child.name === "methodName" && name === undefined) name = child;
    else if (child.name === "params" && params === undefined) params = child;
    else refuse(`<methodCall> holds one <methodName> and one <params>; this ${shown(child.name)} is surplus`);
  }
  if (name === undefined) refuse("<methodCall> holds no <methodName>");
  const method = reader.name(name);
  if (!methodName.test(method)) {
    refuse(`a method's name consists of A-Z a-z 0-9 _ . : /, unlike ${excerpt(method)}`);
  }
  if (params === undefined) return { method, params: [] };
  const values = reader.elements(params).map((param, index) =>
    reader.locate(`params[${index}]`, () => {
      reader.expect(param, "param", "params");
      return reader.value(reader.only(param, "value"));
    }),
  );
  return { method, params: values };
}

function readResponse(response: Element, limits: Limits): Value | Fault {
  const reader = new TreeReader(limits);
  const [child, surplus] = reader.elements(response);
  if (child === undefined || surplus !== undefined) {
    refuse("<methodResponse> holds either <params> or <fault>");
  }
  if (child.name === "fault") {
    return reader.locate("fault", () => toFault(reader.value(reader.only(child, "value"))));
  }
  reader.expect(child, "params", "methodResponse");
  return reader.locate("result", () => reader.value(reader.only(reader.only(child, "param"), "value")));
}

function toFault(value: Value): Fault {
  return faultOf(value) ?? refuse("a fault is a struct of an int faultCode and a string faultString");
}
