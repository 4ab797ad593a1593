import { decodeVoid, type Entry, EntryType, type Index } from "@quorate/raft/core";
import { digestBytes, digestNumber, digestStart } from "../invariants/digest.js";

/** What clients put into the log. `id` makes every entry different from every other. */
export type Command =
  | { readonly id: number; readonly kind: "set"; readonly key: string; readonly value: string }
  | {
      readonly id: number;
      readonly kind: "cas";
      readonly key: string;
      readonly expected: string;
      readonly value: string;
    }
  | { readonly id: number; readonly kind: "incr"; readonly key: string }
  /** Ends most processes that execute it; has an effect in the others. */
  | { readonly id: number; readonly kind: "fatal"; readonly key: string };

export type CommandResult = boolean | number;

/** JSON in ASCII: keys and values of the simulated clients need no more. Most commands are refused, so it is to be cheap. */
export function encodeCommand(command: Command): Uint8Array {
  const { id, kind, key } = command;
  let text = `{"id":${id},"kind":"${kind}","key":"${key}"`;
  if (kind === "cas") text += `,"expected":"${command.expected}"`;
  if (kind === "set" || kind === "cas") text += `,"value":"${command.value}"`;
  text += "}";
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

interface Decoded {
  readonly data: Uint8Array;
  readonly command: Command;
}

/** Each node executes a command twice, in memory and on its disk, from the same bytes. By index; of the run that decoded last. */
const decodedLast: (Decoded | undefined)[] = [];

export function decodeCommand({ index, data }: Entry): Command {
  const known = decodedLast[index];
  if (known?.data === data) return known.command;
  const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString("latin1");
  const command = JSON.parse(text) as Command;
  decodedLast[index] = { data, command };
  return command;
}

export type StatePair = readonly [key: string, value: string];

const digestKey = "d/";
/** Folded in where an entry would have been executed. */
const struckMark = 0x5f5f;

/** This state includes what a committed entry strikes out: the process must end, and not serve any more. */
export class ExecutedHere extends Error {
  override readonly name = "ExecutedHere";
}

/** A small deterministic state machine: registers, counters, and a digest of all that it executed. */
export class Machine {
  readonly #registers: Map<string, string>;
  readonly #counters: Map<string, number>;
  #struck: readonly Index[];
  #applied: Index;
  #digest: number;

  constructor(from?: Machine) {
    this.#registers = new Map(from ? from.#registers : []);
    this.#counters = new Map(from ? from.#counters : []);
    this.#struck = from ? from.#struck : [];
    this.#applied = from ? from.#applied : 0;
    this.#digest = from ? from.#digest : digestStart;
  }

  /** The state of index `applied`, from the pairs that `pairs` gave. */
  static of(pairs: readonly StatePair[], applied: Index): Machine {
    const machine = new Machine();
    for (const [key, value] of pairs) {
      if (key === digestKey) machine.#digest = Number(value);
      else if (key.startsWith("s/")) machine.#struck = [...machine.#struck, Number(value)];
      else if (key.startsWith("c/")) machine.#counters.set(key.slice(2), Number(value));
      else machine.#registers.set(key.slice(2), value);
    }
    machine.#applied = applied;
    return machine;
  }

  /** The whole state as a database holds it, in key order. The digest is a part of it, the applied index is not. */
  pairs(): StatePair[] {
    const pairs: StatePair[] = [[digestKey, String(this.#digest)]];
    for (const [key, value] of this.#registers) pairs.push([`r/${key}`, value]);
    for (const [key, value] of this.#counters) pairs.push([`c/${key}`, String(value)]);
    for (const index of this.#struck) pairs.push([`s/${String(index).padStart(9, "0")}`, String(index)]);
    return pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  get applied(): Index {
    return this.#applied;
  }

  get digest(): number {
    return this.#digest;
  }

  /** Entries that were struck out in this state, ascending. */
  get struck(): readonly Index[] {
    return this.#struck;
  }

  get counters(): ReadonlyMap<string, number> {
    return this.#counters;
  }

  get(key: string): string | null {
    return this.#registers.get(key) ?? null;
  }

  /** A fixed result takes the place of what the entry would have done. */
  strike({ index }: Entry): CommandResult {
    this.#applied = index;
    this.#digest = digestNumber(struckMark, digestNumber(index, this.#digest));
    this.#struck = [...this.#struck, index];
    return false;
  }

  /** False: this state includes what the void entry strikes out. */
  goesOnBehind({ data }: Entry): boolean {
    const struck = decodeVoid(data);
    return struck === null || this.#struck.includes(struck);
  }

  /** Null for entries that are Raft's own. Throws `ExecutedHere`, and changes nothing then. */
  apply(entry: Entry): CommandResult | null {
    if (entry.type === EntryType.void && !this.goesOnBehind(entry)) {
      throw new ExecutedHere(`entry ${entry.index} strikes out one that was executed here`);
    }
    this.#applied = entry.index;
    let digest = digestNumber(entry.index, this.#digest);
    digest = digestNumber(entry.term * 8 + entry.type, digest);
    this.#digest = digestBytes(entry.data, digest);
    if (entry.type !== EntryType.application) return null;
    return this.#execute(decodeCommand(entry));
  }

  #execute(command: Command): CommandResult {
    switch (command.kind) {
      case "set":
        this.#registers.set(command.key, command.value);
        return true;
      case "cas":
        if (this.get(command.key) !== command.expected) return false;
        this.#registers.set(command.key, command.value);
        return true;
      case "fatal":
        this.#registers.set(command.key, String(command.id));
        return true;
      case "incr": {
        const value = (this.#counters.get(command.key) ?? 0) + 1;
        this.#counters.set(command.key, value);
        return value;
      }
    }
  }
}
