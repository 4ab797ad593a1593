/**
 * Transitions of one server, as plain data that JSON can carry: enough for a model that shares no code with
 * the core to judge whether Raft allows them. Off unless `Config.trace` is given.
 */
import { decodeMembership } from "./membership.js";
import type { Message } from "./messages.js";
import {
  type Entry,
  EntryType,
  type Index,
  type NodeId,
  type PlacedMembership,
  type Role,
  type Term,
} from "./types.js";

/** Who decides from an entry on: the part of a membership that counting needs. */
export interface TracedMembership {
  readonly index: Index;
  readonly voters: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

/** The log kept its entries up to `kept`; `appended` follow, as runs of (term, how many). */
export interface TracedLogChange {
  readonly kept: Index;
  readonly appended: readonly (readonly [term: Term, count: number])[];
  /** The memberships among the appended entries. */
  readonly memberships: readonly TracedMembership[];
}

/** One transition and the state after it. */
export interface TraceRecord {
  readonly node: NodeId;
  /** Name of its disk; null when an id has only one. */
  readonly incarnation: string | null;
  /**
   * What was stepped: the type of the input, or of the message; `restored` for a start from disk, `installed` when
   * a snapshot took the place of the log.
   */
  readonly event: string;
  /** Who sent the message; null for other inputs. */
  readonly from: NodeId | null;
  readonly role: Role;
  readonly term: Term;
  readonly vote: NodeId | null;
  readonly commit: Index;
  /** Everything up to here is gone from the log (compacted, or replaced by a snapshot). */
  readonly compacted: Index;
  /** The disk holds this very log up to here. */
  readonly durable: Index;
  /** The disk holds this very term and vote. */
  readonly hardStateDurable: boolean;
  /** Null: the log is as it was. */
  readonly log: TracedLogChange | null;
}

/** The state that a record shows; the server itself fits. */
interface TracedState {
  readonly id: NodeId;
  readonly config: { readonly incarnation?: string };
  readonly role: Role;
  readonly term: Term;
  readonly vote: NodeId | null;
  readonly commit: Index;
  readonly log: {
    readonly compacted: { readonly index: Index };
    readonly durable: Index;
    readonly lastIndex: Index;
    termAt(index: Index): Term | null;
  };
  readonly durability: { readonly hardStateDurable: boolean };
}

/** Follows one server and emits a record for every step that changed something. */
export class Tracer {
  readonly #emit: (record: TraceRecord) => void;
  #before: TraceRecord | null = null;
  #kept: Index | null = null;
  #memberships: TracedMembership[] = [];
  #installed = false;

  constructor(emit: (record: TraceRecord) => void) {
    this.#emit = emit;
  }

  appended(entry: Entry): void {
    this.#kept = Math.min(this.#kept ?? entry.index - 1, entry.index - 1);
    if (entry.type !== EntryType.membership) return;
    const { voters, votersOutgoing, learners } = decodeMembership(entry.data);
    this.#memberships.push({ index: entry.index, voters, votersOutgoing, learners });
  }

  /** Entries from `index` on are gone. */
  cut(index: Index): void {
    this.#kept = Math.min(this.#kept ?? index - 1, index - 1);
    this.#memberships = this.#memberships.filter((membership) => membership.index < index);
  }

  /** A snapshot took the place of the log: it ends with entry `last`. */
  installed(last: Index, { index, membership }: PlacedMembership): void {
    const { voters, votersOutgoing, learners } = membership;
    this.#kept = last;
    this.#memberships = [{ index, voters, votersOutgoing, learners }];
    this.#installed = true;
  }

  restored(state: TracedState): void {
    this.#kept = state.log.compacted.index;
    this.#record(state, "restored", null);
  }

  stepped(state: TracedState, event: string, message: Message | null): void {
    const { log, durability } = state;
    const before = this.#before;
    if (
      this.#kept === null &&
      before !== null &&
      before.role === state.role &&
      before.term === state.term &&
      before.vote === state.vote &&
      before.commit === state.commit &&
      before.compacted === log.compacted.index &&
      before.durable === log.durable &&
      before.hardStateDurable === durability.hardStateDurable
    ) {
      return;
    }
    const installed = this.#installed ? "installed" : null;
    this.#installed = false;
    this.#record(state, installed ?? message?.type ?? event, message?.from ?? null);
  }

  #record(state: TracedState, event: string, from: NodeId | null): void {
    const { id, role, term, vote, commit, log, durability } = state;
    const record: TraceRecord = {
      node: id,
      incarnation: state.config.incarnation ?? null,
      event,
      from,
      role,
      term,
      vote,
      commit,
      compacted: log.compacted.index,
      durable: log.durable,
      hardStateDurable: durability.hardStateDurable,
      log: this.#logChange(log),
    };
    this.#before = record;
    this.#emit(record);
  }

  #logChange(log: TracedState["log"]): TracedLogChange | null {
    if (this.#kept === null) return null;
    // What was compacted in the same step is not part of the log any more.
    const kept = Math.max(this.#kept, log.compacted.index);
    const appended: [Term, number][] = [];
    for (let index = kept + 1; index <= log.lastIndex; index++) {
      const term = log.termAt(index) ?? 0;
      const run = appended.at(-1);
      if (run?.[0] === term) run[1] += 1;
      else appended.push([term, 1]);
    }
    const change = { kept, appended, memberships: this.#memberships };
    this.#kept = null;
    this.#memberships = [];
    return change;
  }
}
