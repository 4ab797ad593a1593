/**
 * One call, from node to node until its end.
 *
 *     slot ─▶ node ─▶ value · fault ────────────▶ end
 *      ▲         ├──▶ redirect ─▶ that node, if it was not tried in this round
 *      │         ├──▶ not executed ─▶ next node; after a whole round: pause
 *      │         └──▶ unknown ─▶ OutcomeUnknownError; next node if the caller said that it is safe
 *      └─ pause ◀─ round over, overloaded                     deadline · signal ─▶ end, from anywhere
 */
import type { Value } from "@quorate/protocol";
import type { Dispatcher } from "undici";
import { judge, type Verdict } from "./answer.js";
import { pause, pauseMs } from "./back-off.js";
import { messageOf, NotExecutedError, OutcomeUnknownError } from "./errors.js";
import { exchange, type HttpAnswer } from "./exchange.js";
import { type Nodes, parseHttpUrl } from "./nodes.js";
import type { Slots } from "./slots.js";

/** What all calls of a client share. */
export interface Shared {
  readonly dispatcher: Dispatcher;
  readonly nodes: Nodes;
  readonly slots: Slots;
  readonly onAnswer: (answer: HttpAnswer) => void;
}

export interface CallRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly safe: boolean;
  /** Any node may answer it, the first of the list before others. */
  readonly nearest: boolean;
}

/** Per round; nodes that change their minds about the leader more often are given a pause. */
const redirectsMax = 5;
/** A safe call that hangs at one node still has the time for two others. */
const safeAttempts = 3;

class TimeUp extends Error {}

type RoundEnding =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "rest"; readonly retryAfterMs: number };

interface Failure {
  readonly why: string;
  readonly cause?: unknown;
}

export class OneCall {
  readonly #shared: Shared;
  readonly #request: CallRequest;
  readonly #stop = new AbortController();
  /** Origins asked in this round. */
  readonly #tried = new Set<string>();
  #redirects = 0;
  #rounds = 0;
  /** Nodes in a row that refused the request as such. */
  #refusals = 0;
  #redirectedTo: URL | null = null;
  /** The last reason why it has no result yet. */
  #last: Failure = { why: "it waited for its turn" };
  /** The first attempt of a safe call whose outcome is unknown: no later refusal makes that undone. */
  #perhaps: Failure | null = null;

  constructor(shared: Shared, request: CallRequest) {
    this.#shared = shared;
    this.#request = request;
  }

  /** Rejects with a `Fault`, `NotExecutedError`, `OutcomeUnknownError` or the reason of the caller's signal. */
  async run(): Promise<Value> {
    const { timeoutMs, signal } = this.#request;
    const abort = () => this.#stop.abort(signal?.reason);
    const timer = setTimeout(
      () => this.#stop.abort(new TimeUp(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    try {
      return await this.#untilEnd();
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  async #untilEnd(): Promise<Value> {
    const { slots } = this.#shared;
    if (slots.isFull) {
      this.#last = { why: "too many calls of this client wait already" };
      throw this.#failure();
    }
    while (await slots.take(this.#stop.signal)) {
      let ending: RoundEnding;
      try {
        // With one slot for the whole round: a call that was redirected does not queue up again, so that the
        // calls behind it learn who leads before they leave.
        ending = await this.#round();
      } finally {
        slots.give();
      }
      if (ending.kind === "value") return ending.value;
      this.#rounds += 1;
      await pause(pauseMs(this.#rounds, ending.retryAfterMs), this.#stop.signal);
    }
    throw this.#stopped();
  }

  /** Each node at most once. Rejects with what ends the call without a value. */
  async #round(): Promise<RoundEnding> {
    const { nodes } = this.#shared;
    this.#tried.clear();
    this.#redirects = 0;
    this.#redirectedTo = null;
    let retryAfterMs = 0;
    while (!this.#stop.signal.aborted) {
      const url = this.#redirectedTo ?? nodes.choose(this.#tried, this.#request.nearest);
      if (url === undefined) break;
      const verdict = await this.#attempt(url);
      this.#refusals = verdict.kind === "notExecuted" && verdict.again === "never" ? this.#refusals + 1 : 0;
      switch (verdict.kind) {
        case "value":
          return verdict;
        case "fault":
          throw verdict.fault;
        case "redirect":
          this.#redirect(url, verdict.location);
          break;
        case "notExecuted":
          this.#last = { why: `${url.origin}: ${verdict.why}`, cause: verdict.cause };
          if (this.#refusals >= nodes.count) throw this.#failure();
          retryAfterMs = Math.max(retryAfterMs, verdict.retryAfterMs);
          // Another node would only send it back to the leader, which has enough to do.
          if (verdict.again === "later") return { kind: "rest", retryAfterMs };
          break;
        case "unknown":
          this.#last = { why: `${url.origin}: ${verdict.why}`, cause: verdict.cause };
          if (!this.#request.safe) throw this.#outcomeUnknown(this.#last);
          this.#perhaps ??= this.#last;
      }
    }
    return { kind: "rest", retryAfterMs };
  }

  async #attempt(url: URL): Promise<Verdict> {
    const { dispatcher, nodes, onAnswer } = this.#shared;
    const { headers, body, safe, timeoutMs } = this.#request;
    const redirected = this.#redirectedTo !== null;
    this.#redirectedTo = null;
    this.#tried.add(url.origin);
    const limit = new AbortController();
    const stop = () => limit.abort(this.#stop.signal.reason);
    const timer = safe
      ? setTimeout(() => limit.abort(new TimeUp("no answer in time")), timeoutMs / safeAttempts)
      : undefined;
    this.#stop.signal.addEventListener("abort", stop);
    if (this.#stop.signal.aborted) stop();
    const ending = await exchange(dispatcher, { url, headers, body }, limit.signal);
    clearTimeout(timer);
    this.#stop.signal.removeEventListener("abort", stop);
    if (ending.kind === "answered") {
      const { headers: given } = ending;
      nodes.answered(url);
      onAnswer(ending);
      const verdict = judge(ending);
      const isResult = verdict.kind === "value" || verdict.kind === "fault";
      const isLeader =
        given["quorate-leader"] !== undefined && given["quorate-leader"] === given["quorate-node"];
      if (isResult && (redirected || isLeader)) nodes.lead(url);
      return verdict;
    }
    const { cause } = ending;
    const byCaller = limit.signal.aborted && !(cause instanceof TimeUp);
    // That the caller lost patience says nothing about the node.
    if (!byCaller) nodes.silent(url);
    const why = byCaller ? "the caller gave it up" : messageOf(cause);
    if (ending.kind === "unanswered") return { kind: "unknown", why, cause };
    return { kind: "notExecuted", why, again: "elsewhere", retryAfterMs: 0, cause };
  }

  #redirect(from: URL, location: string): void {
    const to = parseHttpUrl(location, from);
    const refuse = (why: string) => {
      this.#last = { why: `${from.origin}: ${why}`, cause: this.#last.cause };
    };
    if (to === null) refuse(`redirects to ${JSON.stringify(location)}, which is no http URL`);
    else if (from.protocol === "https:" && to.protocol === "http:")
      refuse(`redirects to ${to.origin}, where the call would go unencrypted`);
    else if (this.#tried.has(to.origin))
      refuse(`names ${to.origin} as the leader, which did not take the call`);
    else if (this.#redirects >= redirectsMax) refuse(`redirects once more, after ${redirectsMax} others`);
    else {
      this.#redirects += 1;
      this.#redirectedTo = to;
    }
  }

  /** The deadline or the caller's signal came while nothing was on the wire. */
  #stopped(): unknown {
    const { reason } = this.#stop.signal;
    if (reason instanceof TimeUp) return this.#failure(` within ${this.#request.timeoutMs} ms`);
    return this.#perhaps === null ? reason : this.#outcomeUnknown({ ...this.#perhaps, cause: reason });
  }

  /** No attempt will be made any more, and the last one was not executed. */
  #failure(when = ""): Error {
    if (this.#perhaps !== null) return this.#outcomeUnknown(this.#perhaps);
    const { why, cause } = this.#last;
    return new NotExecutedError(`${this.#request.method} was not executed${when}: ${why}`, { cause });
  }

  #outcomeUnknown({ why, cause }: Failure): Error {
    const { method } = this.#request;
    return new OutcomeUnknownError(`${method} may or may not have been executed: ${why}`, { cause });
  }
}
