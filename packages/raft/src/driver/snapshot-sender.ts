/** The leader's side of snapshots: keeps a moment of the disk for each follower that needs one, and reads it out. */
import type { LogId, NodeId, SnapshotHead } from "../core/index.js";
import type { Clock, KeyValue, Storage, StorageSnapshot } from "../ports/index.js";
import { decodePartRequest, encodePart } from "./snapshot-codec.js";
import type { RaftLog, SnapshotDone } from "./types.js";

/** Of all parts together; the rest of the disk and of the network belongs to the calls. */
const bytesPerSecond = 32 * 1024 * 1024;
/** A follower that asks for nothing this long has gone, and the disk may forget the old moment. */
const idleMs = 30_000;

interface Pinned {
  readonly snapshot: StorageSnapshot;
  readonly since: number;
  head: SnapshotHead | null;
  asked: boolean;
  bytes: number;
  /** Cancels the next look at `asked`. */
  cancel: () => void;
}

export interface SnapshotSenderHandlers {
  onTaken(to: NodeId, last: LogId): void;
  onEnded(to: NodeId): void;
  onFailure(error: unknown): void;
  onDone(done: SnapshotDone): void;
}

export class SnapshotSender {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #log: RaftLog;
  readonly #handlers: SnapshotSenderHandlers;
  readonly #pinned = new Map<NodeId, Pinned>();
  /** When the bytes that were read out so far are paid for. */
  #paidUntil = 0;
  readonly #partBytes: number;

  constructor(
    storage: Storage,
    clock: Clock,
    log: RaftLog,
    partBytes: number,
    handlers: SnapshotSenderHandlers,
  ) {
    this.#partBytes = partBytes;
    this.#storage = storage;
    this.#clock = clock;
    this.#log = log;
    this.#handlers = handlers;
  }

  /** Keeps the durable state of now for `to`, in place of an earlier one. */
  pin(to: NodeId): void {
    this.unpin(to);
    const snapshot = this.#storage.snapshot();
    const since = this.#clock.monotonicMs();
    const pinned: Pinned = { snapshot, since, head: null, asked: true, bytes: 0, cancel: () => undefined };
    this.#pinned.set(to, pinned);
    this.#watch(to, pinned);
    snapshot.head().then(
      (head) => {
        if (this.#pinned.get(to) !== pinned) return;
        pinned.head = head;
        this.#handlers.onTaken(to, head.last);
      },
      (error: unknown) => {
        if (this.#pinned.get(to) === pinned) this.#handlers.onFailure(error);
      },
    );
  }

  /** The follower has it, or this node no longer leads. */
  unpin(to: NodeId): void {
    const pinned = this.#pinned.get(to);
    if (pinned === undefined) return;
    this.#pinned.delete(to);
    pinned.cancel();
    pinned.snapshot.close().catch((error: unknown) => this.#handlers.onFailure(error));
    if (pinned.bytes === 0) return;
    const seconds = (this.#clock.monotonicMs() - pinned.since) / 1000;
    const index = pinned.head?.last.index ?? 0;
    this.#handlers.onDone({ op: "send", seconds });
    this.#log.info(
      { to, index, bytes: pinned.bytes, seconds },
      `the snapshot up to entry ${index} for ${to} is closed: ${pinned.bytes} bytes were read out in ${seconds.toFixed(1)} s`,
    );
  }

  /** The part that `peer` asks for; rejects when there is no such snapshot (any more). */
  async answer(peer: NodeId, payload: Uint8Array): Promise<Uint8Array> {
    const { last, after } = decodePartRequest(payload);
    const pinned = this.#pinned.get(peer);
    const head = pinned?.head;
    if (pinned === undefined || head?.last.index !== last.index || head.last.term !== last.term) {
      throw new Error(`no snapshot up to entry ${last.index} of term ${last.term} is kept for ${peer}`);
    }
    pinned.asked = true;
    const { pairs, end } = await this.#read(peer, pinned, after?.key ?? null);
    const part = encodePart(after, pairs, end ? head : null);
    pinned.bytes += part.length;
    await this.#pay(part.length);
    return part;
  }

  /** A disk that cannot be read must not be asked again and again: this node ends on it. */
  async #read(
    peer: NodeId,
    pinned: Pinned,
    after: Uint8Array | null,
  ): Promise<{ readonly pairs: readonly KeyValue[]; readonly end: boolean }> {
    try {
      const pairs = await pinned.snapshot.read(after, this.#partBytes);
      const last = pairs.at(-1)?.[0] ?? null;
      return { pairs, end: last === null || (await pinned.snapshot.read(last, 1)).length === 0 };
    } catch (error) {
      if (this.#pinned.get(peer) === pinned) this.#handlers.onFailure(error);
      throw error;
    }
  }

  close(): void {
    for (const to of [...this.#pinned.keys()]) this.unpin(to);
  }

  async #pay(bytes: number): Promise<void> {
    const now = this.#clock.monotonicMs();
    const start = Math.max(now, this.#paidUntil);
    this.#paidUntil = start + (bytes / bytesPerSecond) * 1000;
    const wait = start - now;
    if (wait > 0) await new Promise<void>((resolve) => this.#clock.after(wait, resolve));
  }

  #watch(to: NodeId, pinned: Pinned): void {
    pinned.asked = false;
    pinned.cancel = this.#clock.after(idleMs, () => {
      if (this.#pinned.get(to) !== pinned) return;
      if (pinned.asked) {
        this.#watch(to, pinned);
        return;
      }
      this.unpin(to);
      this.#handlers.onEnded(to);
    });
  }
}
