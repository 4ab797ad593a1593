/**
 * A born node at work: the core, and everything that runs its `Ready`s.
 *
 * All inputs are queued and handled in *turns*. One turn steps everything that came in, runs `Ready` after
 * `Ready` until nothing is due, executes a slice of committed entries and starts the next batch. So what
 * arrives together is proposed, stored and sent together, without any timer, and the core is never entered
 * from inside its own consequences.
 */
import {
  type Config,
  type Entry,
  EntryType,
  encodeVoid,
  type FetchRequest,
  type Index,
  type Input,
  type LogId,
  type Membership,
  type MembershipChange,
  type NodeId,
  type Proposal,
  Raft,
  type Restored,
  type Standing,
  type Status,
} from "../core/index.js";
import type {
  ApplyOutcome,
  Clock,
  ExecutionNotes,
  StateMachine,
  Storage,
  Transport,
} from "../ports/index.js";
import { Applier } from "./applier.js";
import { Changes } from "./changes.js";
import { CommitNews } from "./commit-news.js";
import { DiskStall } from "./disk-stall.js";
import { ExecutionGate, type Held } from "./execution-gate.js";
import { Gathering } from "./gathering.js";
import type { Overlay } from "./overlay.js";
import { Proposals } from "./proposals.js";
import { Reads } from "./reads.js";
import { type ReadyTargets, runReady } from "./ready-runner.js";
import { SnapshotReceiver } from "./snapshot-receiver.js";
import { SnapshotSender } from "./snapshot-sender.js";
import { requireStrikable, StrikeRefused } from "./strikes.js";
import { startTicker } from "./ticker.js";
import { Transfers } from "./transfers.js";
import type { ProposalOutcome, RaftLog, ReadOutcome, SnapshotDone } from "./types.js";
import { Writer, type Written } from "./writer.js";

export interface ConsensusOptions<Result> {
  readonly config: Config;
  readonly tickMs: number;
  readonly electionTimeoutMs: number;
  readonly restored: Restored;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly stateMachine: StateMachine<Result>;
  readonly overlay: Overlay;
  readonly executions: ExecutionNotes | undefined;
  readonly holdBefore: Index | undefined;
  readonly isOfEntry: (error: unknown) => boolean;
  readonly log: RaftLog;
  /** A turn is over; whatever could be seen from outside may have changed. */
  readonly onTurn: () => void;
  readonly snapshotPartBytes: number;
  readonly onSnapshot: (done: SnapshotDone) => void;
  readonly onWritten: (tookMs: number) => void;
  readonly onTick: (lateMs: number) => void;
  /** This node must not go on. */
  readonly onFailure: (error: Error) => void;
}

export class Consensus<Result> {
  readonly #options: ConsensusOptions<Result>;
  readonly #raft: Raft;
  readonly #writer: Writer;
  readonly #gate: ExecutionGate;
  readonly #applier: Applier<Result>;
  readonly #proposals: Proposals<Result>;
  readonly #reads: Reads;
  readonly #transfers = new Transfers();
  readonly #changes = new Changes();
  readonly #news: CommitNews;
  readonly #targets: ReadyTargets<Result>;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  readonly #stall: DiskStall;
  readonly #stopTicker: () => void;
  #inputs: Input[] = [];
  readonly #gathering = new Gathering();
  #turnDue = false;
  #ended = false;
  /** What the core was last told. */
  #told: { readonly applied: number; readonly durable: number };

  constructor(options: ConsensusOptions<Result>) {
    const { config, restored, storage, transport, clock, overlay, log } = options;
    this.#options = options;
    this.#raft = new Raft(config, restored);
    this.#proposals = new Proposals(log);
    this.#reads = new Reads(log);
    this.#told = { applied: restored.applied, durable: restored.applied };
    this.#writer = new Writer(storage, restored, overlay, clock, {
      onDurable: (written) => this.#onDurable(written),
      onFailure: (error) => options.onFailure(asError(error)),
    });
    const { executions: notes, holdBefore, isOfEntry } = options;
    const commit = () => this.#raft.status().commit;
    const lacksCommitted = () => this.#raft.lacksCommitted;
    this.#gate = new ExecutionGate({ notes, holdBefore, isOfEntry, restored, commit, lacksCommitted, log });
    const handlers = {
      onApplied: (entry: Entry, outcome: ApplyOutcome<Result> | null) => this.#onApplied(entry, outcome),
      onResumed: () => this.#requestTurn(),
      onFailure: (entry: Entry, error: unknown) =>
        options.onFailure(
          new Error(`the state machine failed at entry ${entry.index}, which was not kept`, { cause: error }),
        ),
    };
    this.#applier = new Applier(options.stateMachine, overlay, clock, handlers, this.#gate);
    this.#sender = new SnapshotSender(storage, clock, log, options.snapshotPartBytes, {
      onTaken: (to, last) => this.step({ type: "snapshotTaken", to, last }),
      onEnded: (to) => this.step({ type: "snapshotEnded", to }),
      onFailure: (error) => {
        if (!this.#ended) options.onFailure(asError(error));
      },
      onDone: options.onSnapshot,
    });
    this.#receiver = new SnapshotReceiver(storage, transport, clock, log, {
      onChunk: (chunk) => {
        this.#writer.receive(chunk);
        this.#requestTurn();
      },
      onFetched: (head) => this.step({ type: "snapshotFetched", head }),
      onDone: options.onSnapshot,
    });
    this.#news = new CommitNews(clock, transport);
    this.#targets = {
      sender: this.#sender,
      receiver: this.#receiver,
      writer: this.#writer,
      outbox: this.#news,
      applier: this.#applier,
      gate: this.#gate,
      proposals: this.#proposals,
      reads: this.#reads,
      transfers: this.#transfers,
      changes: this.#changes,
      fetch: (request) => this.#fetch(request),
      log,
    };
    this.#stall = new DiskStall(options.electionTimeoutMs);
    this.#stopTicker = startTicker(clock, options.tickMs, (lateMs) => this.#tick(lateMs));
    this.#requestTurn();
  }

  get proposalsPending(): number {
    return this.#proposals.size;
  }

  status(): Status {
    return this.#raft.status();
  }

  standing(): Standing {
    return this.#raft.standing();
  }

  /** The membership in force; null before birth. */
  membership(): Membership | null {
    return this.#raft.membership();
  }

  /** Queues an input for the next turn. */
  step(input: Input): void {
    if (this.#ended) return;
    this.#inputs.push(input);
    this.#requestTurn();
  }

  /** Proposals enter the core in rounds: see `Gathering`. */
  propose(data: Uint8Array, settle: (outcome: ProposalOutcome<Result>) => void): void {
    this.#gather(this.#proposals.add(data, settle));
  }

  /** Why execution does not go on; null = it does. */
  get held(): Held | null {
    return this.#gate.held;
  }

  /** See `RaftNode.strikeOut`. */
  async strikeOut(index: Index): Promise<Index> {
    requireStrikable(index, { status: this.status(), gate: this.#gate, next: this.#applier.next });
    return new Promise((resolve, reject) => {
      const proposal = this.#proposals.add(encodeVoid(index), (outcome) => {
        if (outcome.kind === "applied") resolve(outcome.index);
        else reject(strikeRefused(outcome));
      });
      this.#gather({ ...proposal, type: EntryType.void });
    });
  }

  readBarrier(settle: (outcome: ReadOutcome) => void): void {
    this.#reads.add(settle);
    this.#requestTurn();
  }

  transfer(to: NodeId): Promise<void> {
    const moved = this.#transfers.add(to);
    this.step({ type: "transfer", to });
    return moved;
  }

  change(change: MembershipChange): Promise<Index> {
    const { context, ended } = this.#changes.add();
    this.step({ type: "changeMembership", context, change });
    return ended;
  }

  membershipIndex(): Index {
    return this.#raft.membershipIndex();
  }

  /** For a clean stop: nothing new is begun, the effects of what was executed become durable, the rest ends. */
  async stop(): Promise<void> {
    this.#end();
    this.#gate.stopped();
    await this.#writer.close();
    this.#settleRest();
  }

  /** After a failure: nothing is written, sent or executed any more. */
  abandon(): void {
    if (!this.#ended) this.#end();
    this.#writer.abandon();
    this.#settleRest();
  }

  /** A part of a snapshot that this node keeps for `peer`. */
  answerSnapshot(peer: NodeId, payload: Uint8Array): Promise<Uint8Array> {
    return this.#sender.answer(peer, payload);
  }

  /** Who sends this node a snapshot; null = nobody. */
  get snapshotFrom(): NodeId | null {
    return this.#receiver.from;
  }

  #end(): void {
    this.#ended = true;
    this.#sender.close();
    this.#receiver.stop();
    this.#stopTicker();
    this.#applier.stop();
    this.#news.stop();
    this.#inputs = [];
  }

  #settleRest(): void {
    for (const proposal of this.#gathering.take()) this.#proposals.withdrawn(proposal);
    this.#proposals.abandon();
    this.#reads.abandon();
    this.#transfers.refuse("this node stops");
    this.#changes.abandon();
  }

  #gather(proposal: Proposal): void {
    this.#gathering.add(proposal);
    if (this.#roundDue) this.#requestTurn();
  }

  #tick(lateMs: number): void {
    const { clock, log, onTick } = this.#options;
    onTick(lateMs);
    this.#inputs.push({ type: "tick" });
    const now = clock.monotonicMs();
    const to = this.#stall.successor(now, this.#writer.writingSince, () => this.status(), this.membership());
    if (to !== null) {
      log.warn({ to }, `this leader's disk has not answered for a while: ${to} is asked to lead`);
      this.#inputs.push({ type: "transfer", to });
    }
    // The loop has just looked at the sockets (or, after a stall, the ticker has made it do so): another look
    // would double what an idle node costs for each tick.
    if (!this.#turnDue) this.#turn();
  }

  #requestTurn(): void {
    if (this.#turnDue || this.#ended) return;
    this.#turnDue = true;
    // After the sockets' turn, so that everything they brought is in it.
    this.#options.clock.nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#turnDue = false;
    if (this.#ended) return;
    try {
      this.#stepInputs();
      this.#runReadies();
      // Peers and the disk work while entries are executed …
      this.#options.transport.flush();
      this.#pump();
      this.#applier.run();
      this.#tellApplied();
      this.#runReadies();
      this.#options.transport.flush();
      // … and if it was idle, it may write what they changed.
      this.#pump();
      this.#reads.settle(this.#applier.applied);
      if (this.#applier.runnable || this.#roundDue) this.#requestTurn();
    } catch (error) {
      this.#options.onFailure(asError(error));
    }
    this.#options.onTurn();
  }

  #stepInputs(): void {
    const inputs = this.#inputs;
    this.#inputs = [];
    for (const input of inputs) {
      this.#raft.step(input);
      if (input.type === "snapshotFetched") this.#receiver.delivered();
      if (input.type === "transfer" && this.#raft.status().role !== "leader") {
        this.#transfers.refuse("this node does not lead");
      }
    }
    const grows = this.#gathering.grows();
    if (this.#roundDue && !grows) {
      this.#raft.step({ type: "propose", proposals: this.#gathering.take() });
    }
    const context = this.#reads.takeContext();
    if (context !== null) this.#raft.step({ type: "readIndex", context });
  }

  /** Where no leader is, proposals are refused at once. */
  get #roundDue(): boolean {
    const gathering = this.#gathering;
    if (gathering.size === 0) return false;
    return this.#raft.standing().role !== "leader" || gathering.isRound(this.#raft.uncommitted);
  }

  #runReadies(): void {
    while (!this.#ended && this.#raft.hasReady()) runReady(this.#raft.ready(), this.#targets);
  }

  #pump(): void {
    if (!this.#ended) this.#writer.pump();
  }

  #tellApplied(): void {
    if (this.#ended) return;
    const told = { applied: this.#applier.applied, durable: this.#writer.durable };
    if (told.applied === this.#told.applied && told.durable === this.#told.durable) return;
    this.#told = told;
    this.#raft.step({ type: "applied", ...told });
  }

  #onApplied(entry: Entry, outcome: ApplyOutcome<Result> | null): void {
    this.#proposals.applied(entry, outcome === null ? null : { value: outcome.result });
  }

  #onDurable({ tookMs, ticket, chunk, install }: Written): void {
    this.#options.onWritten(tookMs);
    if (install !== null) this.#onInstalled(install.last);
    if (chunk !== null) this.#receiver.written(chunk);
    if (ticket !== null) this.step({ type: "stored", ticket });
    // A batch of effects alone: the turn tells the core how far they reach.
    else this.#requestTurn();
  }

  /** Log and state on disk are the snapshot's. The core hears it as `stored`, first thing in the next turn. */
  #onInstalled(last: LogId): void {
    this.#applier.reset();
    this.#gate.installed(last.index);
    this.#told = { applied: last.index, durable: last.index };
    this.#proposals.installed(last);
  }

  #fetch({ id, from, to, maxBytes }: FetchRequest): void {
    this.#options.storage.readEntries(from, to, maxBytes).then(
      (entries) => this.step({ type: "fetched", id, entries }),
      (error: unknown) => {
        if (!this.#ended) this.#options.onFailure(asError(error));
      },
    );
  }
}

function strikeRefused(outcome: Exclude<ProposalOutcome<unknown>, { kind: "applied" }>): StrikeRefused {
  if (outcome.kind === "lost") return new StrikeRefused("another leader took over first", "notLeader");
  if (outcome.kind === "unknown") {
    return new StrikeRefused(
      "this node lost its leadership, or stopped, before the end was known",
      "unknown",
    );
  }
  if (outcome.reason === "overloaded") return new StrikeRefused("too much waits in the log", "overloaded");
  return new StrikeRefused(`this node does not lead (${outcome.reason})`, "notLeader");
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
