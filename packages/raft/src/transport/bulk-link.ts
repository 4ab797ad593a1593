import type { NodeId } from "../core/index.js";
import { RequestFailed, type RequestTopic } from "../ports/index.js";
import type { Connection } from "./connection.js";
import type { DialOutcome } from "./dial.js";
import { FieldReader } from "./field-reader.js";
import { encodeFrame, type Frame, FrameError, FrameType, unpackBody } from "./frame.js";
import { AnswerStatus, REASON_CHARS_MAX, requestFrames } from "./request-server.js";

export interface BulkLinkContext {
  /** Dials the bulk channel of `peer`; returns a function that gives up. */
  dial(peer: NodeId, outcome: DialOutcome): () => void;
  readonly maxRequests: number;
  readonly maxQueueBytes: number;
  readonly maxFrameBytes: number;
}

interface Pending {
  readonly bytes: number;
  /** Waits for the connection; null from the moment it was handed to a socket: the peer may have read it. */
  unsent: Frame | null;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: RequestFailed) => void;
}

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "dialing"; readonly cancel: () => void }
  | { readonly kind: "connected"; readonly connection: Connection };

/** Requests to one peer over a connection of their own, dialled when first needed, multiplexed by number. */
export class BulkLink {
  readonly peer: NodeId;
  readonly #context: BulkLinkContext;
  readonly #pending = new Map<number, Pending>();
  #state: State = { kind: "idle" };
  #nextId = 1;
  #pendingBytes = 0;

  constructor(peer: NodeId, context: BulkLinkContext) {
    this.peer = peer;
    this.#context = context;
  }

  get connection(): Connection | null {
    return this.#state.kind === "connected" && this.#state.connection.open ? this.#state.connection : null;
  }

  request(payload: Uint8Array, timeoutMs: number, topic: RequestTopic = "application"): Promise<Uint8Array> {
    const id = this.#nextId;
    this.#nextId += 1;
    const frame = encodeFrame(requestFrames[topic], [id, payload], payload.length);
    const refusal = this.#refusal(frame);
    if (refusal !== null) return Promise.reject(new RequestFailed(refusal, false));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#fail(id, `${this.peer} did not answer within ${timeoutMs} ms`);
      }, timeoutMs);
      const pending: Pending = { bytes: frame.bytes, unsent: frame, timer, resolve, reject };
      this.#pending.set(id, pending);
      this.#pendingBytes += frame.bytes;
      const { connection } = this;
      if (connection !== null) {
        this.#transmit(pending, connection);
      } else if (this.#state.kind !== "dialing") {
        this.#dial();
      }
    });
  }

  /** Fails everything that is pending. */
  stop(reason: string): void {
    const state = this.#state;
    this.#state = { kind: "idle" };
    if (state.kind === "dialing") state.cancel();
    if (state.kind === "connected") state.connection.close(reason);
    this.#failAll(reason);
  }

  #refusal(frame: Frame): string | null {
    const { maxRequests, maxQueueBytes, maxFrameBytes } = this.#context;
    if (frame.bytes > maxFrameBytes)
      return `a request of ${frame.bytes} bytes: at most ${maxFrameBytes} fit a frame`;
    if (this.#pending.size >= maxRequests)
      return `${maxRequests} requests to ${this.peer} are already unanswered`;
    const queued = this.#state.kind === "connected" ? this.#state.connection.queuedBytes : 0;
    // What timed out may still be queued, what left the queue may still be pending.
    const waiting = Math.max(queued, this.#pendingBytes);
    // With nothing waiting any frame goes: a large one is slow, never impossible.
    if (waiting > 0 && waiting + frame.bytes > maxQueueBytes) {
      return `${waiting} bytes already wait for ${this.peer}: at most ${maxQueueBytes} may`;
    }
    return null;
  }

  #dial(): void {
    const cancel = this.#context.dial(this.peer, {
      onEstablished: (connection) => this.#established(connection),
      onFailed: (reason) => {
        this.#state = { kind: "idle" };
        this.#failAll(`no connection to ${this.peer}: ${reason}`);
      },
    });
    this.#state = { kind: "dialing", cancel };
  }

  #established(connection: Connection): void {
    this.#state = { kind: "connected", connection };
    connection.owner = {
      onFrame: (type, body) => this.#answered(type, body),
      onClose: (reason) => {
        if (this.#state.kind !== "connected" || this.#state.connection !== connection) return; // closed by us
        this.#state = { kind: "idle" };
        this.#failAll(`the connection to ${this.peer} closed: ${reason}`);
      },
    };
    for (const pending of this.#pending.values()) this.#transmit(pending, connection);
  }

  #transmit(pending: Pending, connection: Connection): void {
    if (pending.unsent !== null) connection.send(pending.unsent);
    pending.unsent = null;
  }

  #answered(type: number, body: Uint8Array): void {
    if (type !== FrameType.answer) throw new FrameError(`frame type ${type}: expected an answer`);
    const fields = new FieldReader("answer", unpackBody(body));
    const id = fields.integer("id", 1);
    const status = fields.integer("status");
    if (status === AnswerStatus.ok) {
      const payload = fields.bytes("payload");
      this.#take(id)?.resolve(payload);
      return;
    }
    const reason = fields.text("reason", REASON_CHARS_MAX);
    // Refused means that the peer never looked at it: as good as never sent.
    const executed = status !== AnswerStatus.refused;
    this.#take(id)?.reject(new RequestFailed(`${this.peer} answered: ${reason}`, executed));
  }

  /** Removes a request that is about to end; undefined when it has ended already (an answer after the timeout). */
  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    this.#pendingBytes -= pending.bytes;
    return pending;
  }

  #fail(id: number, reason: string): void {
    const pending = this.#take(id);
    pending?.reject(new RequestFailed(reason, pending.unsent === null));
  }

  #failAll(reason: string): void {
    for (const id of [...this.#pending.keys()]) this.#fail(id, reason);
  }
}
