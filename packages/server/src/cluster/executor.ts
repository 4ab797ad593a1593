/**
 * Where a call goes: to this node's own Raft when it leads, else where its route says. One `PendingCall`
 * per call carries it across leader changes until its deadline.
 *
 *     leader here ──▶ propose / read barrier ─▶ result
 *     leader elsewhere, reads.followers ─▶ a query: read barrier here ─▶ result · refused ─▶ by its route
 *     leader elsewhere ─▶ redirect · fault ─▶ notLeader
 *                      └▶ forward ─▶ result · refused, lost, unsent ─▶ again
 *     no leader ─▶ wait ─▶ again, or noLeader
 *
 * After a command has been proposed (or sent to the leader, which proposes it) it ends as its result or as
 * `unknown`; only what was surely not executed is tried again.
 */
import type { Clock } from "@quorate/raft";
import type { Call, CallContext, CallOutcome, Executor } from "../rpc/ports.js";
import type { ClusterWatch, Leader } from "./cluster-watch.js";
import { Deadlines, Expiring } from "./deadlines.js";
import type { Forwarder, ForwardOutcome } from "./forwarder.js";
import type { Freshness } from "./freshness.js";
import { waitForChange } from "./leader-wait.js";
import { heldRefusal, type LocalExecution } from "./local-execution.js";
import { formatToken } from "./read-token.js";

export interface ExecutorOptions {
  readonly local: LocalExecution;
  readonly forwarder: Forwarder;
  readonly watch: ClusterWatch;
  readonly freshness: Freshness;
  readonly clock: Clock;
  /** A node that does not lead answers linearizable reads itself. */
  readonly followerReads: boolean;
  /** From the arrival of a call to its end. */
  readonly deadlineMs: number;
  /** How long a call waits where no leader is known, or for a read barrier elsewhere: two election timeouts. */
  readonly leaderWaitMs: number;
  /** Calls that may wait at the same time; further ones are refused as overloaded. */
  readonly pendingMax: number;
  /** Told how each forwarded attempt ended. */
  readonly onForward: (ending: ForwardOutcome["kind"]) => void;
}

/** Between two attempts when nothing changed: a refusal may come before the news that explains it. */
const retryPauseMs = 25;

export class ClusterExecutor implements Executor {
  readonly #options: ExecutorOptions;
  readonly #deadlines: Deadlines;
  #pending = 0;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock);
  }

  /** Calls that wait for their outcome. */
  get pending(): number {
    return this.#pending;
  }

  execute(call: Call, context: CallContext, end: (outcome: CallOutcome) => void): void {
    if (this.#isFull(end)) return;
    this.#pending += 1;
    new PendingCall(this.#options, this.#deadlines, call, context, (outcome) => {
      this.#pending -= 1;
      end(call.kind === "query" ? this.#judge(outcome, context) : outcome);
    }).start();
  }

  readStale(call: Call, context: CallContext, end: (outcome: CallOutcome) => void): void {
    const { freshness, leaderWaitMs } = this.#options;
    const { maxStalenessMs } = context;
    if (maxStalenessMs === null) {
      this.#readAtHand(call, context, true, end);
      return;
    }
    if (this.#isFull(end)) return;
    this.#pending += 1;
    freshness.reach(maxStalenessMs, leaderWaitMs, (fresh) => {
      this.#pending -= 1;
      this.#readAtHand(call, context, fresh, end);
    });
  }

  /** From the state as it is in this turn; a bound that it does not meet makes the read a linearizable one. */
  #readAtHand(call: Call, context: CallContext, fresh: boolean, end: (outcome: CallOutcome) => void): void {
    const { local } = this.#options;
    if (!fresh || local.index < (context.minIndex ?? 0)) {
      this.execute(call, context, (outcome) => end(explainBounds(outcome, fresh)));
      return;
    }
    local.read(call, (outcome) => {
      // A read from the state at hand has no leader to refuse it.
      end(outcome.kind === "result" ? outcome : { kind: "failed" });
    });
  }

  /** A linearizable read sees every index that any answer ever named: only an invented one lies ahead of it. */
  #judge(outcome: CallOutcome, { minIndex }: CallContext): CallOutcome {
    if (outcome.kind !== "result" || minIndex === null || outcome.index >= minIndex) return outcome;
    const { tag } = this.#options.watch.view;
    const [wanted, reached] = [minIndex, outcome.index].map((index) => formatToken({ tag, index }));
    return { kind: "unmet", why: `min_index is ${wanted}, but the cluster has only reached ${reached}` };
  }

  #isFull(end: (outcome: CallOutcome) => void): boolean {
    if (this.#pending < this.#options.pendingMax) return false;
    end({ kind: "overloaded" });
    return true;
  }
}

/** Who asked for a stale read is told why this node's own state did not do. */
function explainBounds(outcome: CallOutcome, fresh: boolean): CallOutcome {
  if (outcome.kind !== "noLeader") return outcome;
  const bound = fresh ? "has not reached min_index" : "is not known to be within max_staleness";
  return { kind: "noLeader", why: `${outcome.why} (and the state of this node ${bound})` };
}

class PendingCall extends Expiring {
  readonly deadlineAt: number;
  readonly #options: ExecutorOptions;
  readonly #deadlines: Deadlines;
  readonly #call: Call;
  readonly #context: CallContext;
  readonly #end: (outcome: CallOutcome) => void;
  readonly #noLeaderDeadlineMs: number;
  #ended = false;
  /** A query may be answered by this node although it does not lead; tried once. */
  #mayReadHere: boolean;
  /** A command is with a leader right now, its fate not known. */
  #inFlight = false;
  /** It was proposed once and surely lost: no refusal may be its ending any more. */
  #lostOnce = false;
  /** Why the last attempt did not succeed, for the ending without a leader. */
  #lastRefusal: string | null = null;
  /** Attempts are numbered: the late answer of one that was given up is ignored. */
  #attempt = 0;
  #cancelWait: () => void = nothing;

  constructor(
    options: ExecutorOptions,
    deadlines: Deadlines,
    call: Call,
    context: CallContext,
    end: (outcome: CallOutcome) => void,
  ) {
    super();
    this.#options = options;
    this.#deadlines = deadlines;
    this.#call = call;
    this.#context = context;
    this.#end = end;
    this.deadlineAt = options.clock.monotonicMs() + options.deadlineMs;
    this.#noLeaderDeadlineMs = options.leaderWaitMs;
    this.#mayReadHere = options.followerReads && call.kind === "query";
  }

  start(): void {
    this.#deadlines.add(this);
    this.#route();
  }

  expire(): void {
    this.#timeOut();
  }

  #route(): void {
    const { leader } = this.#options.watch.view;
    if (leader === null) this.#awaitLeader();
    else if (leader.isThisNode) this.#runHere();
    else if (this.#mayReadHere) this.#readHere();
    else this.#leaveTo(leader);
  }

  #runHere(): void {
    const attempt = this.#begin();
    this.#options.local.run(this.#call, this.#context.caller, (outcome) => this.#settle(attempt, outcome));
  }

  /** Follower read (thesis, section 6.4): the leader confirms a read index, the state here has reached it. */
  #readHere(): void {
    const { local, clock, leaderWaitMs } = this.#options;
    this.#mayReadHere = false;
    const attempt = this.#begin();
    let given = false;
    const giveUp = () => {
      if (given || this.#ended) return;
      given = true;
      this.#cancelWait();
      this.#route();
    };
    this.#cancelWait = clock.after(leaderWaitMs, giveUp);
    local.run(this.#call, this.#context.caller, (outcome) => {
      if (outcome.kind === "result") this.#settle(attempt, outcome);
      else giveUp();
    });
  }

  #leaveTo(leader: Leader): void {
    const { route } = this.#context;
    const { url } = leader;
    if (route !== "forward" && !this.#lostOnce && url !== null) {
      this.#finish({ kind: "notLeader", leader: leader.id, url });
      return;
    }
    this.#forwardTo(leader);
  }

  #forwardTo(leader: Leader): void {
    const { forwarder, clock, onForward } = this.#options;
    const remainingMs = Math.ceil(this.deadlineAt - clock.monotonicMs());
    if (remainingMs <= 0) {
      this.#timeOut();
      return;
    }
    const attempt = this.#begin();
    if (this.#call.kind === "query") this.#abandonWhenLeaderChanges(attempt, leader);
    forwarder.forward(leader.id, this.#call, this.#context.caller, remainingMs, (outcome) => {
      onForward(outcome.kind);
      this.#settle(attempt, outcome);
    });
  }

  /** A read may be asked anew at any time: it does not wait for a leader that is one no more. */
  #abandonWhenLeaderChanges(attempt: number, asked: Leader): void {
    const { watch } = this.#options;
    const { term } = watch.view;
    this.#cancelWait = watch.onChange(() => {
      if (attempt !== this.#attempt || this.#ended) return;
      if (watch.view.leader?.id === asked.id && watch.view.term === term) return;
      this.#cancelWait();
      this.#route();
    });
  }

  #begin(): number {
    this.#inFlight = this.#call.kind === "command";
    this.#attempt += 1;
    return this.#attempt;
  }

  #settle(attempt: number, outcome: ForwardOutcome): void {
    if (this.#ended || attempt !== this.#attempt) return;
    this.#cancelWait();
    switch (outcome.kind) {
      case "result":
      case "tooLarge":
        this.#finish(outcome);
        return;
      case "unknown":
        // A query leaves no trace: one that a stopping leader left open is asked anew.
        if (this.#call.kind === "command") this.#finish({ kind: "unknown" });
        else this.#retry("the leader stopped");
        return;
      case "unanswered":
        if (this.#call.kind === "command") this.#finish({ kind: "unknown" });
        else this.#retry("the leader did not answer");
        return;
      case "failed":
        this.#finish(this.#lostOnce ? { kind: "unknown" } : { kind: "failed" });
        return;
      case "overloaded":
        if (this.#lostOnce) this.#retry("the leader is overloaded");
        else this.#finish({ kind: "overloaded" });
        return;
      case "lost":
        this.#lostOnce = true;
        this.#retry("another leader took over");
        return;
      case "refused":
        if (outcome.why === heldRefusal && !this.#lostOnce) {
          this.#finish({ kind: "noLeader", why: outcome.why });
        } else this.#retry(outcome.why);
        return;
      case "unsent":
        this.#retry(`the leader could not be reached: ${outcome.why}`);
        return;
    }
  }

  /** Only after outcomes that say: surely not executed. */
  #retry(why: string): void {
    this.#inFlight = false;
    this.#lastRefusal = why;
    this.#cancelWait = waitForChange(
      this.#options.watch,
      this.#options.clock,
      retryPauseMs,
      () => true,
      () => this.#route(),
    );
  }

  #awaitLeader(): void {
    const { watch, clock } = this.#options;
    const waitMs = this.#lostOnce ? this.deadlineAt - clock.monotonicMs() : this.#noLeaderDeadlineMs;
    this.#cancelWait = waitForChange(
      watch,
      clock,
      waitMs,
      () => watch.view.leader !== null,
      (found) => (found ? this.#route() : this.#timeOut()),
    );
  }

  /** The deadline, or the end of the patience with a cluster without leader. */
  #timeOut(): void {
    if (this.#inFlight || this.#lostOnce) {
      this.#finish({ kind: "unknown" });
      return;
    }
    const { view } = this.#options.watch;
    const why =
      view.leader === null ? view.whyNoLeader : (this.#lastRefusal ?? "the leader did not answer in time");
    this.#finish({ kind: "noLeader", why });
  }

  #finish(outcome: CallOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelWait();
    this.#deadlines.remove(this);
    this.#end(outcome);
  }
}

function nothing(): void {
  // Nothing to cancel yet.
}
