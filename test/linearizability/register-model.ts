import type { Model } from "./model.js";

/** The calls of a key-value store whose keys are independent registers. Null stands for "no such key". */
export type RegisterOp =
  | { readonly kind: "get"; readonly key: string }
  | { readonly kind: "set"; readonly key: string; readonly value: string }
  | { readonly kind: "cas"; readonly key: string; readonly expected: string; readonly value: string }
  | { readonly kind: "create"; readonly key: string; readonly value: string }
  | { readonly kind: "delete"; readonly key: string };

/** get → value or null; set → true; cas, create, delete → whether it changed anything. */
export type RegisterResult = string | null | boolean;

type State = string | null;

export const registerModel: Model<State, RegisterOp, RegisterResult> = {
  init: null,
  step(state, op, result) {
    const [answer, next] = execute(state, op);
    return [result === undefined || result === answer, next];
  },
  key: (op) => op.key,
  mayWrite: (op) => op.kind !== "get",
  fingerprint,
  hints(op, result) {
    const tells = op.kind === "cas" ? [fingerprint(op.expected)] : op.kind === "set" ? [] : [missing];
    switch (op.kind) {
      case "get":
        return typeof result === "boolean" || result === undefined
          ? { tells, kind: "get" }
          : { tells: [fingerprint(result)], needs: fingerprint(result), kind: "get" };
      case "set":
        return { tells, makes: fingerprint(op.value), kind: "set" };
      case "cas": {
        const kind = `cas from ${op.expected}`;
        const makes = fingerprint(op.value);
        if (result === false) return { tells, kind };
        return result === true
          ? { tells, needs: fingerprint(op.expected), makes, kind }
          : { tells, makes, kind };
      }
      case "create": {
        const makes = fingerprint(op.value);
        if (result === false) return { tells, kind: "create" };
        return result === true
          ? { tells, needs: missing, makes, kind: "create" }
          : { tells, makes, kind: "create" };
      }
      case "delete":
        return result === false
          ? { tells, needs: missing, kind: "delete" }
          : { tells, makes: missing, kind: "delete" };
    }
  },
  describe(op, result) {
    const answer = result === undefined ? "?" : JSON.stringify(result);
    switch (op.kind) {
      case "get":
      case "delete":
        return `${op.kind}(${op.key}) → ${answer}`;
      case "set":
      case "create":
        return `${op.kind}(${op.key}, ${JSON.stringify(op.value)}) → ${answer}`;
      case "cas":
        return `cas(${op.key}, ${JSON.stringify(op.expected)}, ${JSON.stringify(op.value)}) → ${answer}`;
    }
  },
};

/** Fingerprint of a key that does not exist. */
const missing = "";

function fingerprint(state: State): string {
  return state === null ? missing : `=${state}`;
}

function execute(state: State, op: RegisterOp): readonly [answer: RegisterResult, next: State] {
  switch (op.kind) {
    case "get":
      return [state, state];
    case "set":
      return [true, op.value];
    case "cas":
      return state === op.expected ? [true, op.value] : [false, state];
    case "create":
      return state === null ? [true, op.value] : [false, state];
    case "delete":
      return state === null ? [false, null] : [true, null];
  }
}
