/** Both ends of a forwarded call: sending it to the leader, and running it there. It is never forwarded again. */
import type { Value } from "@quorate/protocol";
import { type Clock, RequestFailed } from "@quorate/raft";
import type { Call, MethodTable } from "../rpc/ports.js";
import {
  callFromValue,
  callToValue,
  isLeaderQuestion,
  isServiceQuestion,
  type LeaderKnowledge,
  leaderToValue,
  outcomeFromValue,
  outcomeToValue,
  type ServiceVersion,
  serviceToValue,
} from "./forwarding.js";
import { type LeaderOutcome, type LocalExecution, tooLargeToTravel } from "./local-execution.js";
import type { OnFailure, Raft, Service } from "./ports.js";

/** What the sending node learns: the leader's own outcome, or that none came. */
export type ForwardOutcome =
  | LeaderOutcome
  /** The call never left this node: surely not executed. */
  | { readonly kind: "unsent"; readonly why: string }
  /** It left, and no answer came. */
  | { readonly kind: "unanswered" };

/** Sends calls to the leader. */
export class Forwarder {
  readonly #raft: Pick<Raft, "request">;
  readonly #service: Pick<Service, "encodeValue" | "decodeLargeValue">;
  readonly #onFailure: OnFailure;

  constructor(
    raft: Pick<Raft, "request">,
    service: Pick<Service, "encodeValue" | "decodeLargeValue">,
    onFailure: OnFailure,
  ) {
    this.#raft = raft;
    this.#service = service;
    this.#onFailure = onFailure;
  }

  /** `end` is called exactly once, never inside this call. */
  forward(
    leader: string,
    call: Call,
    caller: string,
    remainingMs: number,
    end: (outcome: ForwardOutcome) => void,
  ): void {
    this.#ask(leader, call, caller, remainingMs).then(end, (error: unknown) => {
      if (error instanceof RequestFailed) {
        end(error.sent ? { kind: "unanswered" } : { kind: "unsent", why: error.message });
        return;
      }
      // An answer that cannot be read came from a call that may have been executed.
      this.#onFailure(error, call.method);
      end({ kind: "unanswered" });
    });
  }

  async #ask(leader: string, call: Call, caller: string, remainingMs: number): Promise<LeaderOutcome> {
    const payload = this.#service.encodeValue(callToValue({ call, caller, remainingMs }));
    const refusal = tooLargeToTravel(payload.length);
    if (refusal !== null) return refusal;
    const answer = await this.#raft.request(leader, payload, remainingMs);
    const outcome = this.#service.decodeLargeValue(answer);
    return outcomeFromValue(outcome instanceof Promise ? await outcome : outcome);
  }
}

/** An operation that any node takes and the leader carries out. */
export interface LeaderQuestion {
  isQuestion(message: Value): boolean;
  answer(message: Value): Promise<Value>;
}

export interface ForwardedCallsOptions {
  readonly methods: MethodTable;
  /** What this node executes, for peers that ask. */
  readonly version: ServiceVersion;
  /** Whom this node takes for the leader, for peers that ask before they stop. */
  readonly knowledge: () => LeaderKnowledge;
  /** What peers ask a leader to do beside the log. */
  readonly questions: readonly LeaderQuestion[];
  readonly local: LocalExecution;
  readonly service: Pick<Service, "encodeValue" | "decodeLargeValue">;
  readonly clock: Pick<Clock, "after">;
  readonly leads: () => boolean;
}

/** Runs what other nodes forward to this one. */
export class ForwardedCalls {
  readonly #options: ForwardedCallsOptions;
  #running = 0;
  /** Set while this node waits for the last calls to end. */
  #closing: { readonly idle: Promise<void>; readonly resolve: () => void } | null = null;

  constructor(options: ForwardedCallsOptions) {
    this.#options = options;
  }

  /** From now on calls are refused, which sends them to another leader; resolves when the last one has ended. */
  close(): Promise<void> {
    if (this.#closing === null) {
      let resolve: () => void = () => undefined;
      const idle = new Promise<void>((ended) => {
        resolve = ended;
      });
      this.#closing = { idle, resolve };
      if (this.#running === 0) resolve();
    }
    return this.#closing.idle;
  }

  /** From the bytes of a peer's request to the bytes of its answer. Rejects when the bytes are none. */
  async answer(payload: Uint8Array): Promise<Uint8Array> {
    const { service, version, knowledge, questions } = this.#options;
    const decoded = service.decodeLargeValue(payload);
    const message = decoded instanceof Promise ? await decoded : decoded;
    if (isServiceQuestion(message)) return service.encodeValue(serviceToValue(version));
    if (isLeaderQuestion(message)) return service.encodeValue(leaderToValue(knowledge()));
    const asked = questions.find((question) => question.isQuestion(message));
    if (asked !== undefined) return service.encodeValue(await asked.answer(message));
    const { call, caller, remainingMs } = callFromValue(message);
    this.#running += 1;
    try {
      const outcome = await this.#run(call, caller, remainingMs);
      return service.encodeValue(outcomeToValue(outcome));
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#closing?.resolve();
    }
  }

  #run(call: Call, caller: string, remainingMs: number): Promise<LeaderOutcome> {
    const { methods, local, clock, leads } = this.#options;
    // Parameters were checked where the call arrived; the kind decides between log and view, so it is not trusted.
    for (const { kind, method } of "calls" in call ? call.calls : [call]) {
      if (methods.find(method)?.kind === kind) continue;
      return Promise.resolve({ kind: "refused", why: `this node has no ${kind} ${method}` });
    }
    if (this.#closing !== null) return Promise.resolve({ kind: "refused", why: "this node is stopping" });
    if (!leads()) return Promise.resolve({ kind: "refused", why: "this node does not lead" });
    if (remainingMs <= 0) return Promise.resolve({ kind: "refused", why: "the call's time had run out" });
    return new Promise((resolve) => {
      const cancel = clock.after(remainingMs, () =>
        resolve(
          call.kind === "command" ? { kind: "unknown" } : { kind: "refused", why: "the call's time ran out" },
        ),
      );
      local.run(call, caller, (outcome) => {
        cancel();
        resolve(outcome);
      });
    });
  }
}
