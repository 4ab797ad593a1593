/**
 * From outcomes to answers. What is large is written elsewhere, so `end` and `done` may be called later.
 *
 *     outcome ─▶ result ─▶ value ─▶ large? ─▶ written elsewhere ─┐
 *             │                └▶ written here ─────────────────┴▶ Answer
 *             └▶ anything else ─▶ the fault that says so ────────▶ Answer
 */
import {
  DecodeError,
  type Dialect,
  EncodeError,
  encodeFault,
  encodeResponse,
  Fault,
  type Value,
} from "@quorate/protocol";
import { type Answer, faultAnswer, localAnswer } from "./answer.js";
import { faultOf, unwritableResult } from "./faults.js";
import { isLarge } from "./is-large.js";
import { type Multicall, multicallName } from "./multicall.js";
import { encodeSlots } from "./multicall-answer.js";
import type { CallOutcome, LargeDocuments, MethodKind } from "./ports.js";

export interface AnswerWriterOptions {
  /** Without it, all documents are written at once. */
  readonly largeDocuments?: LargeDocuments;
  /** Which extensions answers may use; default: standard. */
  readonly dialect?: Dialect;
  /** Told of failures that the caller learns only as -32603. */
  readonly onFailure: (error: unknown, method: string) => void;
}

export class AnswerWriter {
  readonly #large: LargeDocuments | undefined;
  readonly #dialect: Dialect | undefined;
  readonly #onFailure: AnswerWriterOptions["onFailure"];
  readonly #encode = (value: Value): Uint8Array => encodeResponse(value, { dialect: this.#dialect });

  constructor(options: AnswerWriterOptions) {
    this.#large = options.largeDocuments;
    this.#dialect = options.dialect;
    this.#onFailure = options.onFailure;
  }

  /** What was thrown, as a fault. `method` is where, for the log. */
  asFault(error: unknown, method: string): Fault {
    if (error instanceof Fault) return error;
    if (error instanceof DecodeError) return new Fault(error.code, error.message);
    this.#onFailure(error, method);
    return faultOf({ kind: "failed" });
  }

  /** The answer to a call of a method that exists and was not executed. */
  refusal(error: unknown, method: string, kind: Answer["kind"]): Answer {
    return faultAnswer(this.asFault(error, method), method, kind);
  }

  /** The answer of this node's own method, made at once. */
  local(name: string, call: () => Value): Answer {
    return this.#orRefusal(() => localAnswer(this.#encode(call()), name), name);
  }

  outcome(outcome: CallOutcome, method: string, kind: MethodKind, end: (answer: Answer) => void): void {
    const value = outcome.kind === "result" && outcome.result.ok ? outcome.result.value : null;
    if (this.#large === undefined || !isLarge(value, this.#large.bytesMin)) {
      end(this.#answerOf(outcome, method, kind, this.#encode));
      return;
    }
    this.#large.writeResponse(value, { dialect: this.#dialect }, (body) =>
      end(this.#answerOf(outcome, method, kind, () => written(body))),
    );
  }

  /** A multicall that left nothing to execute. */
  localMulticall(multicall: Multicall, end: (answer: Answer) => void): void {
    this.#writeSlots(multicall.filledWith([]), (encode) => {
      const answer = this.#orRefusal(() => localAnswer(encode(), multicallName), multicallName);
      end({ ...answer, items: multicall.size });
    });
  }

  multicall(
    multicall: Multicall,
    kind: MethodKind,
    outcome: CallOutcome,
    end: (answer: Answer) => void,
  ): void {
    const finish = (encode: (value: Value) => Uint8Array) =>
      end({ ...this.#answerOf(outcome, multicallName, kind, encode), items: multicall.size });
    if (outcome.kind !== "result" || !outcome.result.ok) {
      finish(this.#encode);
      return;
    }
    let slots: readonly Value[];
    try {
      slots = multicall.filledWith(outcome.result.value);
    } catch (error) {
      finish(() => {
        throw error;
      });
      return;
    }
    this.#writeSlots(slots, finish);
  }

  #orRefusal(make: () => Answer, method: string): Answer {
    try {
      return make();
    } catch (error) {
      return this.refusal(error, method, "local");
    }
  }

  /** `done` gets what gives the document or throws why there is none. */
  #writeSlots(slots: readonly Value[], done: (encode: () => Uint8Array) => void): void {
    const dialect = this.#dialect;
    if (this.#large === undefined || !isLarge(slots, this.#large.bytesMin)) {
      done(() => encodeSlots(slots, dialect));
      return;
    }
    this.#large.writeSlots(slots, { dialect }, (body) => done(() => written(body)));
  }

  #answerOf(
    outcome: CallOutcome,
    method: string,
    kind: MethodKind,
    encode: (value: Value) => Uint8Array,
  ): Answer {
    if (outcome.kind !== "result") {
      const leaderUrl = outcome.kind === "notLeader" ? outcome.url : null;
      return {
        body: encodeFault(faultOf(outcome)),
        ending: outcome.kind,
        method,
        kind,
        index: null,
        leaderUrl,
      };
    }
    const { result, index } = outcome;
    try {
      const body = result.ok
        ? encode(result.value)
        : encodeFault(new Fault(result.fault.code, result.fault.message));
      return { body, ending: result.ok ? "value" : "fault", method, kind, index, leaderUrl: null };
    } catch (error) {
      const fault = error instanceof EncodeError ? unwritableResult(error) : this.asFault(error, method);
      return { ...faultAnswer(fault, method, kind), index };
    }
  }
}

function written(body: Uint8Array | Error): Uint8Array {
  if (body instanceof Error) throw body;
  return body;
}
