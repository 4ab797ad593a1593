import type { ApplyOutcome, StateMachine, StateView } from "@quorate/raft";
import type { Entry } from "@quorate/raft/core";
import type { RegisterOp, RegisterResult } from "../linearizability/register-model.js";

/** `executed` counts the commands that the state contains: the state says itself which prefix it is. */
const executedKey = bytes("#executed");

/** Registers by key, as in the linearizability checker's model. Each command also counts itself. */
export class RegisterMachine implements StateMachine<RegisterResult> {
  readonly strike = strikes.strike;
  readonly confirmStrike = strikes.confirmStrike;

  apply(entry: Entry, view: StateView): ApplyOutcome<RegisterResult> {
    const op = decodeOp(entry.data);
    const executed = { key: executedKey, value: bytes(String(executedIn(view) + 1)) };
    const held = view.get(bytes(op.key));
    const state = held === undefined ? null : text(held);
    const [result, next] = execute(state, op);
    const effects = next === state ? [] : [{ key: bytes(op.key), value: next === null ? null : bytes(next) }];
    return { result, effects: [...effects, executed] };
  }
}

/** Beside `apply`, for machines that change nothing but that. */
export const strikes: Pick<StateMachine<RegisterResult>, "strike" | "confirmStrike"> = {
  strike: ({ index }) => ({
    result: null,
    effects: [{ key: bytes(`#struck ${index}`), value: bytes("") }],
  }),
  confirmStrike: (_entry, index, view) => {
    if (view.get(bytes(`#struck ${index}`)) === undefined) throw new Error(`${index} was executed here`);
    return { result: true, effects: [] };
  },
};

function execute(state: string | null, op: RegisterOp): readonly [RegisterResult, string | null] {
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
      return [state !== null, null];
  }
}

export function encodeOp(op: RegisterOp): Uint8Array {
  return bytes(JSON.stringify(op));
}

export function decodeOp(data: Uint8Array): RegisterOp {
  return JSON.parse(text(data)) as RegisterOp;
}

export function readRegister(view: Pick<StateView, "get">, key: string): string | null {
  const held = view.get(bytes(key));
  return held === undefined ? null : text(held);
}

export function executedIn(view: Pick<StateView, "get">): number {
  const held = view.get(executedKey);
  return held === undefined ? 0 : Number(text(held));
}

export function bytes(value: string): Uint8Array {
  return Buffer.from(value);
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString();
}
