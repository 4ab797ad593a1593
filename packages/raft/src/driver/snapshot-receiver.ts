/** The follower's side of snapshots: asks for one part after the other, and writes each before it asks for the next. */
import type { NodeId, SnapshotHead, SnapshotOffer } from "../core/index.js";
import type { Clock, SnapshotChunk, SnapshotCursor, Storage, Transport } from "../ports/index.js";
import { decodePart, encodePartRequest } from "./snapshot-codec.js";
import type { RaftLog, SnapshotDone } from "./types.js";

const answerTimeoutMs = 10_000;
/** After a part that did not come: wait, then ask again. */
const retryMs = 200;
/** So often in a row; then only another offer of the leader begins it again. */
const triesMax = 20;

interface Fetching {
  readonly offer: SnapshotOffer;
  readonly since: number;
  after: SnapshotCursor | null;
  failures: number;
  bytes: number;
  /** The part that is on its way to the disk, and what it ends with. */
  writing: { readonly chunk: SnapshotChunk; readonly head: SnapshotHead | null } | null;
}

export interface SnapshotReceiverHandlers {
  /** To be written; `written` is called when it is durable. */
  onChunk(chunk: SnapshotChunk): void;
  /** All of it is on disk. */
  onFetched(head: SnapshotHead): void;
  onDone(done: SnapshotDone): void;
}

export class SnapshotReceiver {
  readonly #storage: Storage;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #log: RaftLog;
  readonly #handlers: SnapshotReceiverHandlers;
  #fetching: Fetching | null = null;
  /** Being written, whoever it is for: the next fetch goes on from what is on disk then. */
  #inFlight: SnapshotChunk | null = null;
  #next: SnapshotOffer | null = null;
  /** What was received is about to be installed: nothing may take its place on disk before that is decided. */
  #delivering = false;

  constructor(
    storage: Storage,
    transport: Transport,
    clock: Clock,
    log: RaftLog,
    handlers: SnapshotReceiverHandlers,
  ) {
    this.#storage = storage;
    this.#transport = transport;
    this.#clock = clock;
    this.#log = log;
    this.#handlers = handlers;
  }

  /** Whose snapshot is being fetched; null: none. */
  get from(): NodeId | null {
    return this.#fetching?.offer.from ?? null;
  }

  /** Begins, or goes on where an earlier attempt ended, also one of an earlier life of this node. */
  fetch(offer: SnapshotOffer): void {
    if (this.#delivering || (this.#fetching !== null && isSame(this.#fetching.offer, offer))) return;
    if (this.#inFlight !== null) {
      this.#fetching = null;
      this.#next = offer;
      return;
    }
    const { incoming } = this.#storage;
    const resumes = incoming !== null && isSame(incoming.snapshot, offer);
    const { from, last } = offer;
    this.#log.info(
      { from, index: last.index, term: last.term, resumes },
      `fetching the snapshot up to entry ${last.index} from ${from}${resumes ? ", going on where it broke off" : ""}`,
    );
    const fetching: Fetching = {
      offer,
      since: this.#clock.monotonicMs(),
      after: resumes ? incoming.cursor : null,
      failures: 0,
      bytes: 0,
      writing: null,
    };
    this.#fetching = fetching;
    this.#ask(fetching);
  }

  /** A part is durable. */
  written(chunk: SnapshotChunk): void {
    if (this.#inFlight === chunk) this.#inFlight = null;
    const next = this.#next;
    this.#next = null;
    if (next !== null) {
      this.fetch(next);
      return;
    }
    const fetching = this.#fetching;
    if (fetching?.writing?.chunk !== chunk) return;
    const { head } = fetching.writing;
    fetching.writing = null;
    fetching.after = chunk.cursor;
    if (this.#storage.incoming === null) {
      this.#fetching = null;
      const { from, last } = fetching.offer;
      this.#log.info(
        { from, index: last.index },
        `the log has passed entry ${last.index}: the snapshot of ${from} is of no more use`,
      );
      return;
    }
    if (head === null) {
      this.#ask(fetching);
      return;
    }
    this.#fetching = null;
    const seconds = (this.#clock.monotonicMs() - fetching.since) / 1000;
    this.#log.info(
      { from: fetching.offer.from, index: head.last.index, bytes: fetching.bytes, seconds },
      `received the snapshot up to entry ${head.last.index}: ${fetching.bytes} bytes in ${seconds.toFixed(1)} s`,
    );
    this.#handlers.onDone({ op: "receive", seconds });
    this.#delivering = true;
    this.#handlers.onFetched(head);
  }

  /** The core knows that it was fetched. */
  delivered(): void {
    this.#delivering = false;
  }

  stop(): void {
    this.#fetching = null;
    this.#next = null;
  }

  #ask(fetching: Fetching): void {
    const { offer, after } = fetching;
    const request = { last: offer.last, after };
    this.#transport.request(offer.from, encodePartRequest(request), answerTimeoutMs, "snapshot").then(
      (payload) => {
        if (this.#fetching !== fetching) return;
        try {
          const { pairs, cursor, head } = decodePart(request, payload);
          const chunk = { snapshot: offer, after, pairs, cursor, complete: head !== null };
          fetching.failures = 0;
          fetching.bytes += payload.length;
          fetching.writing = { chunk, head };
          this.#inFlight = chunk;
          this.#handlers.onChunk(chunk);
        } catch (error) {
          this.#failed(fetching, error);
        }
      },
      (error: unknown) => this.#failed(fetching, error),
    );
  }

  #failed(fetching: Fetching, error: unknown): void {
    if (this.#fetching !== fetching) return;
    fetching.failures += 1;
    const { from, last } = fetching.offer;
    const fields = { from, index: last.index, failures: fetching.failures, err: error };
    if (fetching.failures >= triesMax) {
      this.#fetching = null;
      this.#log.warn(
        fields,
        `the snapshot up to entry ${last.index} of ${from} does not come: waiting for another offer`,
      );
      return;
    }
    this.#log.debug(fields, `a part of the snapshot of ${from} did not come; asking again`);
    this.#clock.after(retryMs, () => {
      if (this.#fetching === fetching && fetching.writing === null) this.#ask(fetching);
    });
  }
}

function isSame(a: SnapshotOffer, b: SnapshotOffer): boolean {
  return a.from === b.from && a.last.index === b.last.index && a.last.term === b.last.term;
}
