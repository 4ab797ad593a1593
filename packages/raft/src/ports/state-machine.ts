/** What is replicated: a deterministic machine that turns log entries into results and effects. */
import type { Entry, Index } from "../core/index.js";
import type { Effect, KeyRange, KeyValue } from "./storage.js";

/** A fixed moment of the applied state: all that was applied up to `index`, nothing later. Must be closed. */
export interface StateSnapshot {
  readonly index: Index;
  get(key: Uint8Array): Uint8Array | undefined;
  scan(range: KeyRange): Promise<readonly KeyValue[]>;
  close(): Promise<void>;
}

/** The applied state right now: what is durable, overlaid with effects still on their way to the disk. */
export interface StateView {
  /** Index of the last applied entry. */
  readonly index: Index;
  get(key: Uint8Array): Uint8Array | undefined;
  snapshot(): StateSnapshot;
}

export interface ApplyOutcome<Result> {
  /** Given to the proposer on this node; never stored, never sent. */
  readonly result: Result;
  readonly effects: readonly Effect[];
}

export interface StateMachine<Result> {
  /**
   * Execute one committed entry of type `application`. Must depend on nothing but `entry` and `view`.
   * Returns a promise only when it must wait for data that is not in memory (a range); the next entry
   * waits for it. A throw (or rejection) is a failure of this node, never a result: the node stops before
   * anything of this entry is stored.
   */
  apply(entry: Entry, view: StateView): ApplyOutcome<Result> | Promise<ApplyOutcome<Result>>;
  /**
   * In place of `apply`, for an entry that was struck out: a fixed result, and no effect but a mark in the state that
   * says so, which `confirmStrike` finds. Must not throw for what the entry holds.
   */
  strike(entry: Entry, view: StateView): ApplyOutcome<Result>;
  /**
   * Execute the later entry that struck out `index`. Throws when this state has executed `index`: it got there before
   * the strike was known, and differs from the others'.
   */
  confirmStrike(entry: Entry, index: Index, view: StateView): ApplyOutcome<Result>;
}
