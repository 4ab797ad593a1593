import type { NodeId } from "../core/index.js";
import type { RequestTopic } from "../ports/index.js";
import type { Connection, ConnectionOwner } from "./connection.js";
import { FieldReader } from "./field-reader.js";
import { encodeFrame, FrameError, FrameType, unpackBody } from "./frame.js";

/** One type of frame per topic, so that a request says where it belongs before its payload is looked at. */
export const requestFrames: { readonly [Topic in RequestTopic]: FrameType } = {
  application: FrameType.request,
  snapshot: FrameType.snapshotRequest,
};

function topicOf(type: number): RequestTopic {
  if (type === FrameType.request) return "application";
  if (type === FrameType.snapshotRequest) return "snapshot";
  throw new FrameError(`frame type ${type}: expected a request`);
}

/** Second position of an answer. Part of the wire format: append, never renumber. */
export const AnswerStatus = {
  ok: 0,
  /** The handler rejected. */
  failed: 1,
  /** Never given to the handler. */
  refused: 2,
} as const;

/** A failure's text is cut to this. */
export const REASON_CHARS_MAX = 500;

export interface RequestServerContext {
  onRequest(peer: NodeId, payload: Uint8Array, topic: RequestTopic): Promise<Uint8Array>;
  readonly maxRequests: number;
  readonly maxFrameBytes: number;
  /** Payload bytes of requests being worked on. */
  readonly maxQueueBytes: number;
}

/** The accepting end of a bulk connection: hands requests to the handler, at most `maxRequests` at once. */
export class RequestServer implements ConnectionOwner {
  readonly #peer: NodeId;
  readonly #connection: Connection;
  readonly #context: RequestServerContext;
  readonly #onClose: () => void;
  #running = 0;
  #runningBytes = 0;

  constructor(peer: NodeId, connection: Connection, context: RequestServerContext, onClose: () => void) {
    this.#peer = peer;
    this.#connection = connection;
    this.#context = context;
    this.#onClose = onClose;
  }

  onFrame(type: number, body: Uint8Array): void {
    const topic = topicOf(type);
    const fields = new FieldReader("request", unpackBody(body));
    const id = fields.integer("id", 1);
    const payload = fields.bytes("payload");
    const { maxRequests, maxQueueBytes } = this.#context;
    const bytes = this.#runningBytes + payload.length;
    if (this.#running >= maxRequests || (this.#running > 0 && bytes > maxQueueBytes)) {
      this.#answer(id, AnswerStatus.refused, `${this.#running} requests are already being worked on`);
      return;
    }
    this.#running += 1;
    this.#runningBytes = bytes;
    this.#run(id, payload, topic).then(() => {
      this.#running -= 1;
      this.#runningBytes -= payload.length;
    });
  }

  onClose(): void {
    this.#onClose();
  }

  async #run(id: number, payload: Uint8Array, topic: RequestTopic): Promise<void> {
    try {
      this.#answer(id, AnswerStatus.ok, await this.#context.onRequest(this.#peer, payload, topic));
    } catch (error) {
      this.#answer(id, AnswerStatus.failed, error instanceof Error ? error.message : String(error));
    }
  }

  #answer(id: number, status: number, content: Uint8Array | string): void {
    const field =
      typeof content === "string" ? content.slice(0, REASON_CHARS_MAX) || "no reason given" : content;
    const frame = encodeFrame(FrameType.answer, [id, status, field], field.length);
    if (frame.bytes > this.#context.maxFrameBytes) {
      this.#answer(id, AnswerStatus.failed, `an answer of ${frame.bytes} bytes does not fit a frame`);
    } else if (!this.#connection.hasRoomFor(frame.bytes)) {
      this.#connection.close(`${this.#peer} does not read its answers`);
    } else {
      this.#connection.send(frame);
    }
  }
}
