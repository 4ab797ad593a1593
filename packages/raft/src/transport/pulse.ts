import type { Connection } from "./connection.js";

/** Between an answer and the next question, in milliseconds: a little less than between two heartbeats, so that it joins one. */
const REST_MS = 40;
/**
 * Between a question without an answer and the next one. A lost packet is repeated at once when the packets after
 * it arrive, and only after 200 ms or more when there are none: small questions are such packets.
 */
const REPEAT_MS = 25;
/** Questions under way at once. More would only wait in the same queue. */
const ASKED_MAX = 8;
/** So many times the shortest way there and back must have passed before an answer is overdue. */
const SHORTEST_TIMES = 4;

export interface PulseContext {
  /** Without an answer for this long the connection is quiet, in milliseconds. */
  readonly quietMs: number;
  /** Without an answer for this long it is silent, in milliseconds. */
  readonly silenceMs: number;
  /** What was sent before the question has arrived: everything up to that position. */
  onAnswered(position: number): void;
  onQuiet(): void;
  /** Again and again while it lasts; the connection may well be closed for it. */
  onSilent(): void;
}

interface Question {
  /** Its number on the connection. */
  readonly number: number;
  readonly askedAt: number;
  /** What had been sent before it. */
  readonly position: number;
}

/**
 * Whether what is sent on a connection arrives. Behind what was sent it asks for a sign of life, which proves
 * that everything before it arrived; nothing is asked while nothing is sent.
 *
 * A connection that is slow to answer may be stuck: TCP repeats what was lost after 0.2, 0.4, 0.8 s and so on, and
 * sends nothing new meanwhile.
 */
export class Pulse {
  readonly #connection: Connection;
  readonly #context: PulseContext;
  /** Without an answer, oldest first. */
  #questions: Question[] = [];
  #position = 0;
  #confirmed = 0;
  #shortestMs = Number.POSITIVE_INFINITY;
  #quiet = false;
  /** No question before then: a time of `performance.now()`. */
  #restUntil = 0;
  #timer: NodeJS.Timeout | null = null;
  #look: NodeJS.Immediate | null = null;

  constructor(connection: Connection, context: PulseContext) {
    this.#connection = connection;
    this.#context = context;
  }

  /** The oldest question is overdue. */
  get quiet(): boolean {
    return this.#quiet;
  }

  /** Everything up to `position` was handed to the connection; positions only grow. */
  sent(position: number): void {
    this.#position = position;
    if (this.#timer !== null || this.#look !== null) return;
    const rest = this.#restUntil - performance.now();
    if (rest > 0) this.#wait(rest);
    else this.#ask();
  }

  /** Asks now, if it does not do so anyway. */
  ask(): void {
    if (this.#questions.length === 0) this.#ask();
  }

  /** To be called when the connection says so. */
  answered(): void {
    const now = performance.now();
    const { answered } = this.#connection;
    let newest: Question | undefined;
    while ((this.#questions[0]?.number ?? Number.POSITIVE_INFINITY) <= answered) {
      newest = this.#questions.shift();
      if (newest !== undefined) this.#shortestMs = Math.min(this.#shortestMs, now - newest.askedAt);
    }
    if (newest === undefined) return;
    this.#confirmed = newest.position;
    const [oldest] = this.#questions;
    if (oldest === undefined) this.#rest(now);
    this.#quiet = oldest !== undefined && now - oldest.askedAt >= this.#patienceMs();
    this.#context.onAnswered(this.#confirmed);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#look !== null) clearImmediate(this.#look);
    this.#timer = null;
    this.#look = null;
    this.#questions = [];
  }

  #ask(): void {
    this.#connection.ask();
    const number = this.#connection.asked;
    this.#questions.push({ number, askedAt: performance.now(), position: this.#position });
    // Further away than that, the answer cannot be here before.
    const known = Number.isFinite(this.#shortestMs);
    this.#wait(known ? Math.max(REPEAT_MS, this.#shortestMs) : this.#context.quietMs);
  }

  /** Where nothing was sent meanwhile nothing needs to wake up for it: the next `sent` looks how late it is. */
  #rest(now: number): void {
    this.#restUntil = now + REST_MS;
    if (this.#position > this.#confirmed) this.#wait(REST_MS);
    else if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }

  #wait(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      // A node that was itself stalled must not blame the connection: the answer may lie in the socket.
      this.#look = setImmediate(() => {
        this.#look = null;
        this.#judge();
      });
    }, ms);
  }

  #judge(): void {
    const [oldest] = this.#questions;
    if (oldest === undefined) {
      if (this.#position > this.#confirmed) this.#ask();
      return;
    }
    const waitedMs = performance.now() - oldest.askedAt;
    if (this.#questions.length < ASKED_MAX) this.#ask();
    else this.#wait(this.#context.quietMs);
    if (waitedMs >= this.#patienceMs() && !this.#quiet) {
      this.#quiet = true;
      this.#context.onQuiet();
    }
    if (waitedMs >= this.#context.silenceMs) this.#context.onSilent();
  }

  /** A far peer is not a quiet one; until it has answered once, nothing is known of its distance. */
  #patienceMs(): number {
    const far = Number.isFinite(this.#shortestMs) ? SHORTEST_TIMES * this.#shortestMs : 0;
    return Math.max(this.#context.quietMs, far);
  }
}
