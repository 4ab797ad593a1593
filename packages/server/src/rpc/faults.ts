/** The one place where an outcome that is not a result becomes a fault. */
import { type EncodeError, Fault, faultCodes, type Struct, struct } from "@quorate/protocol";
import type { CallOutcome } from "./ports.js";

export type Refusal = Exclude<CallOutcome, { readonly kind: "result" }>;

export function faultOf(outcome: Refusal): Fault {
  switch (outcome.kind) {
    case "notLeader":
      return new Fault(
        faultCodes.notLeader,
        `this node does not lead the cluster; send the call to ${outcome.url} (${outcome.leader})`,
      );
    case "noLeader":
      return new Fault(faultCodes.noLeader, `no leader, the call was not executed: ${outcome.why}`);
    case "unmet":
      return new Fault(faultCodes.noLeader, `the query was not answered: ${outcome.why}`);
    case "unknown":
      return new Fault(
        faultCodes.outcomeUnknown,
        "the outcome is unknown: the call was proposed, but no answer came in time; it may or may not have been executed",
      );
    case "overloaded":
      return new Fault(
        faultCodes.overloaded,
        "overloaded, the call was not executed: too much is waiting already",
      );
    case "tooLarge":
      return new Fault(faultCodes.tooLarge, `too large, the call was not executed: ${outcome.why}`);
    case "failed":
      return new Fault(faultCodes.internalError, "this node failed to answer; its log says why");
  }
}

/** The call itself was executed: only its result has no form in XML-RPC. */
export function unwritableResult(error: EncodeError): Fault {
  return new Fault(
    faultCodes.internalError,
    `the call was executed, but its result cannot be written: ${error.message}`,
  );
}

/** A fault as a value: how the slot of a multicall carries it. */
export function faultStruct(fault: Fault): Struct {
  return struct([
    ["faultCode", fault.faultCode],
    ["faultString", fault.faultString],
  ]);
}
