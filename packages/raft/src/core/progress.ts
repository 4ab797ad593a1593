/** What a leader knows of one other member. */
import { ByteWindow } from "./byte-window.js";
import type { Index, LogId } from "./types.js";

/**
 * `probe`: the leader does not know where the logs meet and sends one AppendEntries at a time.
 * `replicate`: they meet at `match`, everything after it is on its way (pipelined up to `next`).
 * `snapshot`: the log no longer holds what comes next; the member fetches a snapshot instead, and hears only
 * heartbeats meanwhile.
 */
export class Progress {
  /** The member's disk holds the leader's log up to here. Never falls. */
  match: Index = 0;
  /** First entry to send next. Invariant: match < next. */
  next: Index;
  state: "probe" | "replicate" | "snapshot" = "probe";
  /** Snapshot: the last entry of what is pinned for it; null while that is not done. */
  snapshot: LogId | null = null;
  /** Probing, and the one AppendEntries is on its way. */
  probeSent = false;
  /** Ticks of the leader's clock: the last probe or offer, and the last time `match` or an empty pipeline moved. */
  sentAt: number;
  movedAt: number;
  /**
   * Ticks without an answer after which something counts as lost. Doubles each time that it did, up to the
   * election timeout, so that a slow disk is not sent everything again and again; any answer resets it.
   */
  patience: number;
  /** AppendEntries on their way (replicate), by their last index. */
  readonly inflight = new ByteWindow();
  /** The outstanding `Ready.fetch` for this member; nothing else is sent until it is answered. */
  fetching: number | null = null;
  /** Largest commit index that it was sent, assuming that nothing gets lost; heartbeats repair that. */
  commitTold: Index = 0;
  /** Newest read round that it echoed. */
  round = 0;
  /** Its effects are on disk up to here; 0 until heard in this leadership. */
  appliedDurable: Index = 0;
  /** Tick of the last message from it. */
  heardAt: number;
  /** Its connection broke and it has not been heard since. */
  lost = false;
  /** It denies entries that it had confirmed or applied: its disk is not what it was. */
  deniesMatch = false;

  /** Learners only: the tick since which it has all but nothing to catch up with. */
  caughtUpSince: number | null = null;
  /** It is no member any more; until this tick it still hears how that came. Null for members. */
  leaving: number | null = null;

  constructor(next: Index, now: number, patience: number) {
    this.next = next;
    this.patience = patience;
    this.sentAt = now;
    this.movedAt = now;
    this.heardAt = now;
  }

  heard(now: number): void {
    this.heardAt = now;
    this.lost = false;
  }

  /** Where the logs meet is in doubt: ask at `next - 1`. */
  becomeProbe(next: Index): void {
    this.state = "probe";
    this.snapshot = null;
    this.next = Math.max(this.match + 1, next);
    this.probeSent = false;
    this.inflight.clear();
    this.commitTold = Math.min(this.commitTold, this.match);
  }

  becomeReplicate(): void {
    this.state = "replicate";
    this.snapshot = null;
    this.next = this.match + 1;
    this.probeSent = false;
    this.inflight.clear();
  }

  becomeSnapshot(): void {
    this.becomeProbe(this.next);
    this.state = "snapshot";
  }

  /** From here on the leader must keep its log, or this member cannot go on; infinite when it is not there. */
  needs(now: number, electionTicks: number): Index {
    if (this.leaving !== null || this.lost || now - this.heardAt >= electionTicks) return Infinity;
    return Math.max(this.match, this.appliedDurable, this.snapshot?.index ?? 0);
  }

  /** The member's disk holds the log up to `match`. Returns true when that is news. */
  accepted(match: Index, now: number): boolean {
    this.inflight.releaseTo(match);
    if (match <= this.match) return false;
    this.match = match;
    this.movedAt = now;
    if (this.next <= match) this.next = match + 1;
    return true;
  }

  /** Room for another AppendEntries? */
  hasWindow(appendsMax: number, bytesMax: number): boolean {
    return this.inflight.count < appendsMax && this.inflight.bytes < bytesMax;
  }
}
