/**
 * Linearizable reads (thesis, section 6.4). A leader remembers its commit index, then proves with one round
 * of heartbeats that it still leads: the index is then good for every read that came before the round.
 *
 *     reads:   r1 r2 ─┐            r3 r4 r5 ─┐
 *     rounds:         └─ round 7 ──▶ answered └─ round 8 ──▶ …      one in flight, the rest waits for the next
 */
import type { Index, NodeId } from "./types.js";

export interface PendingRead {
  /** The caller's name for it. */
  readonly context: number;
  /** The follower that asked; null = this server itself. */
  readonly from: NodeId | null;
}

export interface IndexedRead extends PendingRead {
  /** Everything acknowledged before the read came lies at or before it. */
  readonly index: Index;
}

export class ReadRounds {
  /** The newest round that was started; grows within a term. */
  round = 0;
  /** Came before this leader's own no-op was committed: it does not yet know what is committed. */
  #early: PendingRead[] = [];
  #waiting: IndexedRead[] = [];
  #inFlight: IndexedRead[] = [];

  /** `commit` is null while the leader does not know what is committed. */
  add(read: PendingRead, commit: Index | null): void {
    if (commit === null) this.#early.push(read);
    else this.#waiting.push({ context: read.context, from: read.from, index: commit });
  }

  /** The own no-op is committed: early reads get their index. */
  releaseEarly(commit: Index): void {
    for (const read of this.#early) this.add(read, commit);
    this.#early = [];
  }

  /** Reads wait and no round is in flight. */
  get roundDue(): boolean {
    return this.#inFlight.length === 0 && this.#waiting.length > 0;
  }

  start(): void {
    this.#inFlight = this.#waiting;
    this.#waiting = [];
    this.round += 1;
  }

  get inFlight(): boolean {
    return this.#inFlight.length > 0;
  }

  /** A majority has echoed round `round`. An older round than the one in flight proves nothing about it. */
  confirmed(round: number): readonly IndexedRead[] {
    if (round < this.round) return [];
    const reads = this.#inFlight;
    this.#inFlight = [];
    return reads;
  }

  /** The leader steps down: no read can be confirmed any more. */
  drain(): PendingRead[] {
    const reads = [...this.#inFlight, ...this.#waiting, ...this.#early];
    this.#inFlight = [];
    this.#waiting = [];
    this.#early = [];
    return reads;
  }
}

/** A follower's reads that the leader was asked about. An answer may get lost, so they expire. */
export class ForwardedReads {
  /** Context → tick at which it is given up; in order of arrival. */
  readonly #deadlines = new Map<number, number>();
  readonly #ticksMax: number;

  constructor(ticksMax: number) {
    this.#ticksMax = ticksMax;
  }

  add(context: number, now: number): void {
    this.#deadlines.set(context, now + this.#ticksMax);
  }

  /** True when it was still waited for. */
  settle(context: number): boolean {
    return this.#deadlines.delete(context);
  }

  expire(now: number): number[] {
    const expired: number[] = [];
    for (const [context, deadline] of this.#deadlines) {
      if (deadline > now) break;
      expired.push(context);
      this.#deadlines.delete(context);
    }
    return expired;
  }

  refuseAll(): number[] {
    if (this.#deadlines.size === 0) return [];
    const contexts = [...this.#deadlines.keys()];
    this.#deadlines.clear();
    return contexts;
  }
}
