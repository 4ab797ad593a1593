import type { ApplyOutcome, StateMachine, StateView, Storage } from "@quorate/raft";
import type { Entry } from "@quorate/raft/core";
import type { RegisterResult } from "../linearizability/register-model.js";
import { decodeOp, executedIn, RegisterMachine, readRegister, strikes, text } from "./register-machine.js";

/** What the whole cluster executed, by index: every node must execute the same, and every disk hold a prefix of it. */
export class AppliedLog {
  readonly #entries = new Map<number, { readonly term: number; readonly text: string }>();

  get size(): number {
    return this.#entries.size;
  }

  /** Where the command with this text was executed. */
  indexesOf(data: string): number[] {
    return [...this.#entries].filter(([, entry]) => entry.text === data).map(([index]) => index);
  }

  /** A machine of one process, watched. */
  machine(): StateMachine<RegisterResult> {
    const machine = new RegisterMachine();
    let before = 0;
    return {
      ...strikes,
      apply: (entry: Entry, view: StateView): ApplyOutcome<RegisterResult> => {
        if (entry.index <= before) throw new Error(`entry ${entry.index} executed after ${before}`);
        before = entry.index;
        if (view.index !== entry.index - 1) {
          throw new Error(`the view shows ${view.index} to entry ${entry.index}`);
        }
        this.#record(entry);
        return machine.apply(entry, view);
      },
    };
  }

  /** The disk's state is the one that executing the log up to its applied index gives; nothing more, nothing less. */
  checkDisk(id: string, storage: Storage): void {
    const { applied, last, hardState } = storage.restored;
    if (applied > last.index) throw new Error(`${id}: applied ${applied} is ahead of the log, ${last.index}`);
    if (hardState.commit > last.index)
      throw new Error(`${id}: commit ${hardState.commit} is ahead of the log`);
    const registers = new Map<string, string | null>();
    const machine = new RegisterMachine();
    let executed = 0;
    const view = (index: number): StateView => ({
      index,
      get: (key) => {
        const held = text(key) === "#executed" ? String(executed) : registers.get(text(key));
        return held === undefined || held === null ? undefined : Buffer.from(held);
      },
      snapshot: () => {
        throw new Error("not needed");
      },
    });
    for (const [index, entry] of [...this.#entries].sort(([a], [b]) => a - b)) {
      if (index > applied) break;
      const data = Buffer.from(entry.text);
      const { effects } = machine.apply({ index, term: entry.term, type: 1, data }, view(index - 1));
      executed++;
      for (const { key, value } of effects) {
        if (text(key) !== "#executed") registers.set(text(key), value === null ? null : text(value));
      }
    }
    const held = { index: applied, get: (key: Uint8Array) => storage.get(key) };
    if (executedIn(held) !== executed) {
      throw new Error(
        `${id}: the disk executed ${executedIn(held)} commands up to ${applied}, the log has ${executed}`,
      );
    }
    for (const [key, value] of registers) {
      if (readRegister(held, key) !== value) {
        throw new Error(`${id}: ${key} is ${readRegister(held, key)} at ${applied}, should be ${value}`);
      }
    }
  }

  #record(entry: Entry): void {
    const recorded = { term: entry.term, text: text(entry.data) };
    decodeOp(entry.data);
    const known = this.#entries.get(entry.index);
    if (known === undefined) this.#entries.set(entry.index, recorded);
    else if (known.term !== recorded.term || known.text !== recorded.text) {
      throw new Error(`two entries at ${entry.index}: ${JSON.stringify(known)}, ${JSON.stringify(recorded)}`);
    }
  }
}
