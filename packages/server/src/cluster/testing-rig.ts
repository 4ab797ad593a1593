/** Raft, time and peers of one node, each answer given by the test: for unit tests of what decides over calls. */
import {
  type NodeStatus,
  type ProposalOutcome,
  type ReadOutcome,
  RequestFailed,
  type StateView,
} from "@quorate/raft";
import type { Call, CallContext, CallOutcome, CallResult, Route } from "../rpc/ports.js";
import { plainContext as unbounded } from "../rpc/testing-context.js";
import { decodeValue, encodeValue } from "../state/value-encoding.js";
import { ClusterWatch } from "./cluster-watch.js";
import { ClusterExecutor } from "./executor.js";
import { Forwarder } from "./forwarder.js";
import { Freshness } from "./freshness.js";
import { LocalExecution } from "./local-execution.js";
import type { Raft, Service } from "./ports.js";
import { unbornStatus } from "./testing-status.js";

const members = ["n1", "n2", "n3"].map((id) => ({ id, peer: `${id}:9000`, http: `http://${id}:8000` }));

/** Time that moves only when the test says so. */
export class ManualClock {
  #now = 0;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  monotonicMs(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  nextTurn(callback: () => void): void {
    this.after(0, callback);
  }

  get timers(): number {
    return this.#timers.length;
  }

  advance(byMs: number): void {
    const end = this.#now + byMs;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = end;
  }
}

/** A Raft node whose every answer is given by the test. */
export class ScriptedRaft implements Raft {
  /** Last index applied here; the test moves it. */
  applied = 40;
  readonly proposals: ((outcome: ProposalOutcome<CallResult>) => void)[] = [];
  readonly barriers: ((outcome: ReadOutcome) => void)[] = [];
  readonly requests: {
    readonly peer: string;
    readonly payload: Uint8Array;
    readonly timeoutMs: number;
    answer(bytes: Uint8Array): void;
    fail(sent: boolean): void;
  }[] = [];
  connected: readonly string[] = ["n2", "n3"];
  removed = false;
  #leader: string | null = null;
  #term = 1;
  #listeners = new Set<() => void>();

  get view(): StateView {
    return {
      index: this.applied,
      get: () => undefined,
      snapshot: () => {
        throw new Error("no snapshot here");
      },
    };
  }

  lead(leader: string | null): void {
    if (leader !== null) this.#term += 1;
    this.#leader = leader;
    this.touch();
  }

  touch(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  propose(_data: Uint8Array, settle: (outcome: ProposalOutcome<CallResult>) => void): void {
    this.proposals.push(settle);
  }

  readBarrier(settle: (outcome: ReadOutcome) => void): void {
    this.barriers.push(settle);
  }

  request(peer: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.requests.push({
        peer,
        payload,
        timeoutMs,
        answer: resolve,
        fail: (sent) => reject(new RequestFailed("connection refused", sent)),
      });
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): NodeStatus {
    return {
      ...unbornStatus,
      role: this.#leader === "n1" ? "leader" : "follower",
      term: this.#term,
      leader: this.#leader,
      commit: 40,
      applied: 40,
      lastIndex: 40,
      canServe: this.#leader === "n1",
      born: true,
      clusterId: "c0ffee00c0ffee00",
      connected: this.connected,
      removed: this.removed,
      failureTolerance: 1,
    };
  }
}

const service: Service = {
  encodeCommand: (method) => encodeValue(method),
  encodeBatch: (calls) => encodeValue(calls.map(({ method }) => method)),
  runQuery: (_method, params) => ({ ok: true, value: ["read", ...params] }),
  runBatch: (calls) => ({ ok: true, value: calls.map(({ params }) => ["read", ...params]) }),
  encodeValue,
  decodeValue,
  decodeLargeValue: decodeValue,
};

export const deadlineMs = 10_000;
export const leaderWaitMs = 1_000;

/** An executor of node n1, with everything around it in the test's hand. */
export function executorRig({ pendingMax = 100, followerReads = false } = {}) {
  const raft = new ScriptedRaft();
  const clock = new ManualClock();
  const watch = new ClusterWatch(raft, members, {
    leader: null,
    removed: false,
    onChange: () => () => undefined,
  });
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => failures.push(error);
  const local = new LocalExecution(raft, service, onFailure);
  const forwards: string[] = [];
  const executor = new ClusterExecutor({
    local,
    forwarder: new Forwarder(raft, service, onFailure),
    watch,
    freshness: new Freshness(raft, clock),
    clock,
    followerReads,
    deadlineMs,
    leaderWaitMs,
    pendingMax,
    onForward: (ending) => forwards.push(ending),
  });
  const outcomes: CallOutcome[] = [];
  const end = (outcome: CallOutcome) => outcomes.push(outcome);
  const execute = (call: Call, context: Partial<CallContext> = {}) =>
    executor.execute(call, { ...unbounded, ...context }, end);
  const start = (call: Call, route: Route = "forward") => execute(call, { route });
  const readStale = (call: Call, context: Partial<CallContext> = {}) =>
    executor.readStale(call, { ...unbounded, consistency: "stale", ...context }, end);
  return { raft, clock, watch, executor, outcomes, execute, start, readStale, forwards, failures, local };
}
