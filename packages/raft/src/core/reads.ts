/**
 * Linearizable reads (thesis, section 6.4). A leader remembers its commit index, then proves with one round
 * of heartbeats that it still leads: the index is then good for every read that came before the round.
 *
 *     reads:   r1 r2 ─┐            r3 r4 r5 ─┐
 *     rounds:         └─ round 7 ──▶ answered └─ round 8 ──▶ …      one in flight, the rest waits for the next
 */
import type { Random } from "./config.js";
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

interface ForwardedRead {
  readonly context: number;
  /** Tick at which it is given up. */
  readonly deadline: number;
}

/**
 * A follower's reads that the leader was asked about. An answer may get lost, so they expire.
 *
 * The leader hears of a read under a number of this server's own, not under the caller's context: a restarted
 * caller counts its contexts from the start again, and an answer that the leader gives to a question of the
 * life before would pass for a fresh one, with an index that is too old. The numbers start at a random place.
 */
export class ForwardedReads {
  /** By number, in order of arrival. */
  readonly #open = new Map<number, ForwardedRead>();
  readonly #ticksMax: number;
  readonly #random: Random;
  #next: number | null = null;

  constructor(ticksMax: number, random: Random) {
    this.#ticksMax = ticksMax;
    this.#random = random;
  }

  /** Returns the number to ask the leader under. */
  add(context: number, now: number): number {
    const number = this.#next ?? Math.floor(this.#random() * 2 ** 52);
    this.#next = number + 1;
    this.#open.set(number, { context, deadline: now + this.#ticksMax });
    return number;
  }

  /** The caller's context; undefined when no such read is waited for. */
  settle(number: number): number | undefined {
    const read = this.#open.get(number);
    this.#open.delete(number);
    return read?.context;
  }

  expire(now: number): number[] {
    const expired: number[] = [];
    for (const [number, { context, deadline }] of this.#open) {
      if (deadline > now) break;
      expired.push(context);
      this.#open.delete(number);
    }
    return expired;
  }

  refuseAll(): number[] {
    if (this.#open.size === 0) return [];
    const contexts = [...this.#open.values()].map((read) => read.context);
    this.#open.clear();
    return contexts;
  }
}
