import { isInt, isStruct, type Value } from "./value.js";

/**
 * Every fault code that Quorate itself answers with.
 *
 * -32700…-32300 are those of the XML-RPC EPI specification for fault code interoperability (2001);
 * -32099…-32000 is the range it leaves to servers. Faults of user code keep their own codes and
 * should stay out of -32768…-32000.
 */
export const faultCodes = {
  /** The document is not well-formed XML, or carries a DOCTYPE. */
  notWellFormed: -32700,
  /** The document's character encoding is not one that is read here. */
  unsupportedEncoding: -32701,
  /** Bytes that are not the encoding they claim to be, or a character that XML forbids. */
  invalidCharacter: -32702,
  /** Well-formed XML, but not XML-RPC. */
  notXmlRpc: -32600,
  /** No method of that name. */
  methodNotFound: -32601,
  /** The method does not take these parameters. */
  invalidParams: -32602,
  /** A failure inside the server. */
  internalError: -32603,
  /** User code threw something other than a Fault. */
  applicationError: -32500,
  /** This node does not lead; the text names the leader's URL. Not executed. */
  notLeader: -32001,
  /** There is no leader at the moment. Not executed. */
  noLeader: -32002,
  /** The deadline passed after the call was proposed: it may or may not have been executed. */
  outcomeUnknown: -32003,
  /** Too much is waiting already. Not executed. */
  overloaded: -32004,
  /** A limit on size, depth or count was passed. */
  tooLarge: -32005,
  /** The caller may not do this. */
  notAuthorised: -32006,
} as const;

export type FaultCode = (typeof faultCodes)[keyof typeof faultCodes];

/** A failed call as XML-RPC knows it: thrown by methods, returned by `decodeResponse`. */
export class Fault extends Error {
  override readonly name = "Fault";
  /** A 32-bit signed integer, because `<int>` is the only type a fault code may have. */
  readonly faultCode: number;

  /** @throws TypeError when the code is not a 32-bit integer or the text is not a string */
  constructor(faultCode: number, faultString: string) {
    if ((faultCode | 0) !== faultCode) {
      throw new TypeError(`a fault code is a 32-bit integer, not ${String(faultCode)}`);
    }
    if (typeof faultString !== "string") {
      throw new TypeError(`a fault string is a string, not ${typeof faultString}`);
    }
    super(faultString);
    this.faultCode = faultCode;
  }

  /** What went wrong, for people; the same as `message`. */
  get faultString(): string {
    return this.message;
  }
}

/** The fault that a value describes: a struct of a code and a text, and nothing else. */
export function faultOf(value: Value): Fault | undefined {
  if (!isStruct(value) || Object.keys(value).length !== 2) return undefined;
  const { faultCode, faultString } = value;
  return isInt(faultCode) && typeof faultString === "string" ? new Fault(faultCode, faultString) : undefined;
}
