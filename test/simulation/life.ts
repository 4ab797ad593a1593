import {
  type Entry,
  EntryType,
  encodeVoid,
  ForgottenEntriesError,
  type Index,
  type Input,
  type LogId,
  type MembershipChange,
  type Proposal,
  Raft,
  type RaftEvent,
  type Random,
  type Ready,
  type StoreRequest,
} from "@quorate/raft/core";
import type { Held } from "@quorate/raft/testing";
import type { Batch, Executed, ReceivedChunk } from "./disk.js";
import { Execution } from "./execution.js";
import { type Command, type CommandResult, encodeCommand, type Machine } from "./machine.js";
import type { Node } from "./node.js";
import { OpenProposals, type ProposalSettled } from "./open-proposals.js";
import { OpenReads, type ReadSettled } from "./open-reads.js";
import { showInput, showMessage } from "./show.js";
import { Snapshots } from "./snapshots.js";
import type { Owner } from "./world.js";

/** Effects that one batch carries at most, counted in entries. */
const effectsPerBatch = 50;

/**
 * A node from its start to its crash: the core, driven as the driver must drive it, and everything else that
 * a crash forgets.
 */
export class Life implements Owner {
  readonly raft: Raft;
  machine: Machine;
  readonly proposals = new OpenProposals();
  readonly reads = new OpenReads();
  readonly snapshots = new Snapshots(this);
  readonly #execution: Execution;
  /** Applied, but not yet on the disk. */
  readonly #unflushed: Executed[] = [];
  readonly #changes = new Map<number, string>();
  #nextChange = 1;
  readonly #turn: Proposal[] = [];
  /** The batch that waits for the one in flight. */
  #store: StoreRequest | null = null;
  /** A part of a snapshot that waits for the batch in flight. */
  #chunk: ReceivedChunk | null = null;
  #flush: "never" | "scheduled" | "due" = "never";
  /** What this life knows to be on the disk. */
  #durable: Index;
  /** Inputs are gathered before the core is asked what is due. */
  #gathering = false;
  /** Why it crashes at the end of this step; null: it does not. */
  #doomed: string | null = null;
  #over = false;
  readonly #gathered = () => {
    this.#gathering = false;
    this.#release();
  };
  readonly #turnEnds = () => this.step({ type: "propose", proposals: this.#turn.splice(0) });

  constructor(
    readonly node: Node,
    /** 1 at birth, then one more with each restart. */
    readonly number: number,
    random: Random,
  ) {
    const { cluster, durable, id } = node;
    const { knobs } = cluster;
    const restored = durable.restore(knobs.restoredTail);
    this.raft = new Raft(cluster.config(id, random), restored);
    this.#execution = new Execution(this, restored);
    this.machine = durable.machine();
    this.#durable = durable.applied;
  }

  /** False after the crash: what was scheduled before it must not happen any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Callers of reads know that they failed; callers of proposals know nothing. */
  end(): void {
    this.#over = true;
    for (const context of this.reads.contexts) this.node.cluster.monitor.readEnded(this.#readView(context));
    this.proposals.endAll();
    this.reads.refuseAll();
  }

  propose(command: Command, settle: ProposalSettled): void {
    const { world, knobs } = this.node.cluster;
    const context = this.proposals.add(command, settle);
    this.#turn.push({ context, data: encodeCommand(command) });
    if (this.#turn.length > 1) return;
    this.later(world.between(knobs.turn.min, knobs.turn.max), this.#turnEnds);
  }

  read(key: string, settle: ReadSettled): void {
    const context = this.reads.add(key, settle);
    this.node.cluster.monitor.readAsked(this.#readView(context));
    this.step({ type: "readIndex", context });
  }

  change(change: MembershipChange): void {
    const context = this.#nextChange++;
    const id = change.kind === "remove" ? change.id : change.member.id;
    this.#changes.set(context, `${change.kind} ${id}`);
    this.step({ type: "changeMembership", context, change });
  }

  /** The entry before which it executes nothing more. */
  get held(): Held | null {
    return this.#execution.held;
  }

  /** Throws `StrikeRefused`, as the driver does. */
  strikeOut(index: Index): void {
    this.#execution.requireStrikable(index);
    const context = this.proposals.add({ id: index, kind: "void" }, () => undefined);
    this.step({ type: "propose", proposals: [{ context, data: encodeVoid(index), type: EntryType.void }] });
  }

  get openChanges(): readonly string[] {
    return [...this.#changes.values()];
  }

  /** One input; what the core then asks for is done at once, or at the end of a turn that gathers inputs. */
  step(input: Input): void {
    if (this.#over) return;
    const { node, raft } = this;
    const { world, knobs, monitor, view } = node.cluster;
    node.countStep();
    try {
      raft.step(input);
    } catch (error) {
      if (!(error instanceof ForgottenEntriesError && node.forgotten > 0)) throw error;
      node.rebuild();
      return;
    }
    const status = raft.status();
    const what = input.type === "receive" ? input.message.type : input.type;
    world.trace.add(world.now, node.id, what, status.term, status.commit, status.lastIndex);
    if (world.trace.keepsLines && input.type !== "tick") {
      const { role, term, commit, lastIndex } = status;
      world.trace.line(
        world.now,
        () => `${node.id} ${role} t${term} c${commit} l${lastIndex} ⟵ ${showInput(input)}`,
      );
    }
    monitor.stepped(node, status, view);
    if (knobs.gather.max === 0) this.#release();
    else if (!this.#gathering) {
      this.#gathering = true;
      this.later(world.between(knobs.gather.min, knobs.gather.max), this.#gathered);
    }
  }

  /** Does what the core asks for. */
  #release(): void {
    if (this.raft.hasReady()) this.#handle(this.raft.ready());
    if (this.#doomed === null) return;
    const kind = this.#doomed;
    this.#doomed = null;
    this.node.cluster.crashed(this.node, kind);
  }

  #handle(ready: Ready): void {
    const { node, proposals } = this;
    const { world, monitor, network } = node.cluster;
    for (const event of ready.events) this.#note(event);
    for (const { context, index, term } of ready.accepted) proposals.accepted(context, index, term);
    for (const { context } of ready.refused) proposals.refused(context);
    for (const change of ready.changes) {
      const what = this.#changes.get(change.context);
      if (what === undefined) throw new Error(`${node.id} ended change ${change.context} twice`);
      this.#changes.delete(change.context);
      const end = change.kind === "refused" ? `refused: ${change.reason}` : change.kind;
      node.cluster.counts.add(`event change ${what.split(" ")[0]} ${end}`);
    }
    if (ready.store) this.#takeStore(ready.store);
    const crashAfter = this.#messagesBeforeCrash(ready);
    // The order of storing and sending is the driver's choice.
    if (world.chance(0.5)) this.#maybeWrite();
    let sent = 0;
    for (const message of ready.messages) {
      if (sent++ >= crashAfter) return;
      monitor.messageSent(node, message);
      if (message.type === "installSnapshot") node.cluster.counts.add("event snapshot offer sent");
      if (world.trace.keepsLines)
        world.trace.line(world.now, () => `${node.id}   sends ${showMessage(message)}`);
      network.send(message);
    }
    this.#maybeWrite();
    this.#execution.push(ready.apply);
    this.#execution.run();
    this.#handleReads(ready);
    for (const { id, from, to, maxBytes } of ready.fetch) this.#fetch(id, from, to, maxBytes);
    for (const { to, wanted } of ready.pins) {
      if (wanted) this.snapshots.take(to);
      else this.snapshots.drop(to);
    }
    if (ready.fetchSnapshot) this.snapshots.fetch(ready.fetchSnapshot);
  }

  writeChunk(chunk: ReceivedChunk): void {
    this.#chunk = chunk;
    this.#maybeWrite();
  }

  /** True: it crashed, at this step of receiving or installing a snapshot. */
  mayCrash(kind: string): boolean {
    const { cluster } = this.node;
    if (!cluster.faultsOn || !cluster.world.chance(cluster.knobs.crashAtInstall)) return false;
    cluster.crashed(this.node, kind);
    return true;
  }

  #takeStore(request: StoreRequest): void {
    const { node } = this;
    node.cluster.monitor.storeRequested(node, request);
    if (this.#store) {
      throw new Error(`${node.id} asks for store ${request.ticket} before ${this.#store.ticket} is stored`);
    }
    this.#execution.stored(request.entries);
    if (request.compactTo > 0) node.cluster.counts.add("event compaction");
    this.#store = request;
  }

  #messagesBeforeCrash(ready: Ready): number {
    const { world, knobs } = this.node.cluster;
    if (this.#doomed === null || !world.chance(knobs.crashMidStep)) return Number.POSITIVE_INFINITY;
    return world.integer(0, ready.messages.length);
  }

  #handleReads(ready: Ready): void {
    const { monitor } = this.node.cluster;
    for (const context of ready.readsRefused) {
      monitor.readEnded(this.#readView(context));
      this.reads.refused(context);
    }
    for (const { context, index } of ready.reads) {
      monitor.readGranted(this.#readView(context), index);
      this.reads.granted(context, index);
    }
    if (ready.reads.length > 0) this.reads.serve(this.machine);
  }

  #fetch(id: number, from: number, to: number, maxBytes: number): void {
    const { world, knobs, counts } = this.node.cluster;
    this.later(world.between(knobs.write.min, knobs.write.max), () => {
      counts.add("event log read");
      const entries = this.node.durable.read(from, to, maxBytes);
      if (entries.length > 0) this.step({ type: "fetched", id, entries });
    });
  }

  #note(event: RaftEvent): void {
    const { id, cluster } = this.node;
    const { world, knobs, counts, faultsOn } = cluster;
    if (world.trace.keepsLines) world.trace.line(world.now, () => `${id}   ${JSON.stringify(event)}`);
    counts.addEvent(event.type);
    if (!faultsOn || this.#doomed !== null) return;
    if (event.type === "committed") {
      if (knobs.crashAtCommit === 0 || this.raft.status().role !== "leader") return;
      if (world.chance(knobs.crashAtCommit)) this.#doomed = "crash at a commit";
    } else if (
      (event.type === "roleChanged" && event.role !== "follower") ||
      (event.type === "voteGranted" && !event.preVote)
    ) {
      if (world.chance(knobs.crashAtElection)) this.#doomed = "crash at an election";
    }
  }

  /** One batch is in flight at a time; what arrives meanwhile makes the next one. */
  #maybeWrite(): void {
    const { durable, cluster } = this.node;
    if (durable.busy || (!this.#store && !this.#chunk && this.#flush !== "due")) return;
    const store = this.#store;
    this.#store = null;
    this.#flush = "never";
    // The state on disk never includes what the log on disk does not.
    const end = store?.entries.at(-1)?.index ?? durable.last.index;
    const flushable = this.#unflushed.findIndex(({ entry }) => entry.index > end);
    const count = Math.min(effectsPerBatch, flushable < 0 ? this.#unflushed.length : flushable);
    // A snapshot takes the place of the state that these effects belong to.
    const applied = store?.install ? [] : this.#unflushed.splice(0, count);
    const chunk = store?.install ? null : this.#chunk;
    if (chunk) this.#chunk = null;
    if (!store && !chunk && applied.length === 0) return;
    durable.begin({ store, applied, chunk });
    if (store?.install) this.later(0, () => this.mayCrash("crash while a snapshot is installed"));
    const { min, max } = this.node.writeSpan;
    // The disk goes on while the process stands still.
    cluster.world.after(cluster.world.between(min, max), () => {
      if (this.#over) return;
      const batch = durable.complete();
      this.node.run(() => this.#written(batch));
    });
  }

  #written({ store, applied, chunk }: Batch): void {
    this.#durable = store?.install?.last.index ?? applied.at(-1)?.entry.index ?? this.#durable;
    if (store?.install) this.#installed(store.install.last);
    if (store) this.step({ type: "stored", ticket: store.ticket });
    if (applied.length > 0 || store?.install) this.#reportApplied();
    if (chunk) this.snapshots.written(chunk);
    if (this.#over) return;
    this.#flushLater();
    this.#maybeWrite();
  }

  /** Log and state on the disk are the snapshot's: what was executed or is to be executed before it is void. */
  #installed(last: LogId): void {
    const { node, reads } = this;
    const { monitor, counts, knobs } = node.cluster;
    counts.add("event snapshot installed");
    this.#execution.installed(last.index);
    if (!knobs.plantedBugs.has("overlayLeaksIntoSnapshot")) this.#unflushed.length = 0;
    this.machine = node.durable.machine();
    monitor.snapshotInstalled(node, last, this.machine.digest);
    this.proposals.installed(last.index);
    reads.serve(this.machine);
  }

  /** An entry was executed, or struck out. */
  executed(entry: Entry, struck: boolean, result: CommandResult | null): void {
    const { node, machine } = this;
    node.cluster.monitor.entryApplied(node, entry, machine.digest, machine.struck);
    this.#unflushed.push({ entry, struck });
    this.proposals.executed(entry, result as CommandResult);
  }

  /** Executing made a pause. */
  paused(): void {
    this.#reportApplied();
    if (this.#over) return;
    this.reads.serve(this.machine);
    this.#flushLater();
  }

  #reportApplied(): void {
    this.step({ type: "applied", applied: this.machine.applied, durable: this.#durable });
  }

  #flushLater(): void {
    if (this.#unflushed.length === 0 || this.#flush !== "never") return;
    this.#flush = "scheduled";
    this.later(this.node.cluster.knobs.idleFlush, () => {
      if (this.#flush !== "scheduled") return;
      this.#flush = "due";
      this.#maybeWrite();
    });
  }

  later(delay: number, run: () => void): void {
    this.node.cluster.world.after(delay, run, this);
  }

  /** Something that was put off happens now, unless this life is over; a process that stands still does it later. */
  runEvent(run: () => void): void {
    if (!this.#over) this.node.run(run);
  }

  #readView(context: number): { readonly node: string; readonly life: number; readonly context: number } {
    return { node: this.node.id, life: this.number, context };
  }
}
