/**
 * One server of a cluster, composed of its parts:
 *
 *     identity ─▶ birth (once in a cluster's life) ─▶ consensus: core ▸ writer ▸ applier
 *         ▲                    ▲                              ▲
 *       disk               transport ────── messages ─────────┘
 */
import {
  birthRestored,
  type Index,
  isVoter,
  type Membership,
  type MembershipChange,
  type NodeId,
  type Restored,
} from "../core/index.js";
import {
  type Identity,
  type NodeIntroduction,
  type PeerMessage,
  RequestFailed,
  type StateView,
  type TransportHandlers,
} from "../ports/index.js";
import { AddressMoves } from "./address-moves.js";
import { Birth } from "./birth.js";
import { BirthProcess, joinedRestored } from "./birth-process.js";
import { ChangeListeners } from "./change-listeners.js";
import { ChangeFailed } from "./changes.js";
import { Consensus } from "./consensus.js";
import { coreConfig, tickMsOf } from "./core-config.js";
import { establishIdentity } from "./identity.js";
import { memberListDigest, validateMemberList } from "./member-list.js";
import { nodeStatus } from "./node-status.js";
import { Overlay } from "./overlay.js";
import { farewellMs, Peers } from "./peers.js";
import { Rebuilds } from "./rebuilds.js";
import { RefusalLog } from "./refusal-log.js";
import { safely } from "./safely.js";
import { StrikeRefused } from "./strikes.js";
import { TransferFailed } from "./transfers.js";
import type { NodeStatus, ProposalOutcome, RaftNode, RaftNodeOptions, ReadOutcome } from "./types.js";

/** Effects that may wait for the disk in memory; beyond it execution pauses, the log does not. */
const overlayBytesMax = 8 * 1024 * 1024;
/** As many as one batch of effects may have. */
const snapshotPartBytes = 1024 * 1024;

/**
 * Starts one server: settles its identity, then listens, dials, and takes part.
 *
 * Rejects when the configuration is wrong (`RangeError`, `InvalidMemberList`), the disk belongs to somebody
 * else (`WrongIdentity`), or the transport cannot start; storage and transport still belong to the caller
 * then. Once it resolved they belong to the node, and `stop` closes them.
 */
export async function startRaftNode<Result>(options: RaftNodeOptions<Result>): Promise<RaftNode<Result>> {
  validateMemberList(options.nodeId, options.members);
  coreConfig(options.nodeId, options, options.random);
  const identity = await establishIdentity(options, options.storage.restored);
  const server = new Server(options, identity);
  await server.start();
  return server;
}

class Server<Result> implements RaftNode<Result> {
  readonly #options: RaftNodeOptions<Result>;
  readonly #overlay: Overlay;
  readonly #digest: string;
  readonly #refusals: RefusalLog;
  readonly #listeners: ChangeListeners;
  readonly #peers: Peers;
  readonly #rebuilds: Rebuilds;
  readonly #moves: AddressMoves;
  #identity: Identity;
  #membership: Membership | null;
  #birth: BirthProcess | null = null;
  #consensus: Consensus<Result> | null = null;
  #stopping: Promise<void> | null = null;
  #failed = false;
  #transportClosing: Promise<void> | null = null;

  constructor(options: RaftNodeOptions<Result>, identity: Identity) {
    const { restored } = options.storage;
    this.#options = options;
    this.#identity = identity;
    this.#membership = restored.membership?.membership ?? null;
    this.#digest = memberListDigest(options.members);
    this.#overlay = new Overlay(options.storage, restored.applied, overlayBytesMax);
    this.#refusals = new RefusalLog(options.log);
    const { nodeId, members: configured, transport, clock, log, electionTimeoutMs } = options;
    this.#listeners = new ChangeListeners(log);
    this.#peers = new Peers({ nodeId, configured, transport, clock, farewellMs });
    const mayChange = () => !this.#ended && this.#consensus?.standing().canServe === true;
    this.#moves = new AddressMoves({
      clock,
      log,
      pauseMs: electionTimeoutMs,
      mayChange,
      moved: () =>
        this.#membership === null ? [] : this.#peers.moved(this.#membership, this.#introduction()),
      change: (change) => this.changeMembership(change),
    });
    this.#rebuilds = new Rebuilds({
      clock,
      log,
      mayChange,
      membership: () => this.#membership,
      connected: (id) => transport.connected(id),
      change: (change) => this.changeMembership(change),
    });
  }

  get view(): StateView {
    return this.#overlay;
  }

  async start(): Promise<void> {
    const { transport, storage } = this.#options;
    if (!this.#identity.born) this.#birth = this.#awaitBirth();
    this.#peers.dial(this.#membership);
    await transport.start(this.#handlers());
    if (this.#identity.born) this.#takePart(storage.restored);
    this.#birth?.started();
  }

  propose(data: Uint8Array, settle: (outcome: ProposalOutcome<Result>) => void): void {
    const ended = this.#ended;
    // What would be committed behind a held entry could not be answered.
    const held = this.#held;
    if (this.#consensus !== null && !ended && !held) this.#consensus.propose(data, settle);
    else {
      const reason = ended ? "stopped" : held ? "held" : "notLeader";
      this.#later(() => settle({ kind: "refused", reason }));
    }
  }

  readBarrier(settle: (outcome: ReadOutcome) => void): void {
    if (this.#consensus !== null && !this.#ended && !this.#held) this.#consensus.readBarrier(settle);
    else this.#later(() => settle({ kind: "refused" }));
  }

  async transfer(to: NodeId): Promise<void> {
    if (this.#ended) throw new TransferFailed("leadership cannot be handed over: this node has stopped");
    if (this.#consensus === null || this.#membership === null) {
      throw new TransferFailed("leadership cannot be handed over: the cluster is not born yet");
    }
    if (to === this.#options.nodeId || !isVoter(this.#membership, to)) {
      const others = this.#membership.voters.filter((id) => id !== this.#options.nodeId);
      throw new TransferFailed(
        `leadership cannot be handed to "${to}": it must be one of ${others.join(", ") || "(there is no other voter)"}`,
      );
    }
    return this.#consensus.transfer(to);
  }

  async changeMembership(change: MembershipChange): Promise<Index> {
    if (this.#ended) throw new ChangeFailed("this node has stopped", "stopped");
    if (this.#consensus === null) throw new ChangeFailed("the cluster is not born yet", "notLeader");
    return this.#consensus.change(change);
  }

  async strikeOut(index: Index): Promise<Index> {
    if (this.#ended) throw new StrikeRefused("this node has stopped", "stopped");
    if (this.#consensus === null) throw new StrikeRefused("the cluster is not born yet", "notLeader");
    return this.#consensus.strikeOut(index);
  }

  introduce(id: NodeId, address: string): Promise<NodeIntroduction> {
    return this.#options.transport.introduce(id, address);
  }

  async request(peer: NodeId, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (this.#ended) throw new RequestFailed(`nothing was sent to ${peer}: this node has stopped`, false);
    return this.#options.transport.request(peer, payload, timeoutMs);
  }

  status(): NodeStatus {
    const { transport, nodeId } = this.#options;
    return nodeStatus({
      nodeId,
      consensus: this.#consensus,
      identity: this.#identity,
      membership: this.#membership,
      missing: this.#birth?.missing() ?? [],
      rebuilding: this.#rebuilds.ids(),
      connected: this.#peers.ids.filter((id) => transport.connected(id)),
      refusals: this.#peers.ids.flatMap((id) => this.#refusals.of(id) ?? []),
    });
  }

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#peers.stop();
    await this.#birth?.stop();
    await this.#consensus?.stop();
    await this.#closeTransport();
    await this.#options.storage.close();
  }

  /** Committed entries are not executed any more. */
  get #held(): boolean {
    return this.#consensus?.held != null;
  }

  get #ended(): boolean {
    return this.#failed || this.#stopping !== null;
  }

  #awaitBirth(): BirthProcess {
    const { nodeId, members, identity, storage, randomId, log } = this.#options;
    const { incarnation } = this.#identity;
    return new BirthProcess({
      birth: new Birth({ nodeId, incarnation, members, memberListDigest: this.#digest }),
      identity: this.#identity,
      identityStore: identity,
      storage,
      randomId,
      log,
      onBorn: (born, membership) => {
        log.info({ clusterId: membership.clusterId }, `the cluster is born: ${membership.voters.join(", ")}`);
        this.#begin(born, membership, birthRestored(membership));
        for (const [peer, introduction] of this.#peers.introductions) this.#tellUnborn(peer, introduction);
      },
      onJoined: (born, membership) => {
        log.info({ clusterId: membership.clusterId }, `${nodeId} was admitted to the cluster and catches up`);
        this.#begin(born, membership, joinedRestored);
      },
      onFailure: (error) => this.#fail(error instanceof Error ? error : new Error(String(error))),
    });
  }

  #begin(identity: Identity, membership: Membership, restored: Restored): void {
    this.#identity = identity;
    this.#membership = membership;
    this.#birth = null;
    this.#peers.dial(membership);
    this.#takePart(restored);
  }

  #takePart(restored: Restored): void {
    const { nodeId, storage, transport, clock, stateMachine, random, log } = this.#options;
    this.#consensus = new Consensus({
      config: coreConfig(nodeId, this.#options, random, this.#identity.incarnation),
      tickMs: tickMsOf(this.#options),
      electionTimeoutMs: this.#options.electionTimeoutMs,
      restored,
      storage,
      transport,
      clock,
      stateMachine,
      overlay: this.#overlay,
      executions: this.#options.executions,
      holdBefore: this.#options.holdBefore,
      isOfEntry: this.#options.isOfEntry ?? (() => true),
      log,
      onTurn: () => this.#onTurn(),
      snapshotPartBytes: this.#options.snapshotPartBytes ?? snapshotPartBytes,
      onSnapshot: (done) => this.#options.onSnapshot?.(done),
      onWritten: (tookMs) => this.#options.onWritten?.(tookMs),
      onTick: (lateMs) => this.#options.onTick?.(lateMs),
      onFailure: (error) => this.#fail(error),
    });
    this.#notify();
  }

  #handlers(): TransportHandlers {
    return {
      introduction: () => this.#introduction(),
      membership: (visitor) => this.#peers.membershipFor(visitor),
      onMessage: (message, incarnation) => this.#onMessage(message, incarnation),
      onConnected: (peer, introduction) => this.#onConnected(peer, introduction),
      onIntroduced: (peer, introduction) => {
        if (this.#ended) return;
        this.#peers.introduced(peer, introduction);
        this.#moves.announce();
      },
      onLost: (peer) => this.#onLost(peer),
      onRetired: (introduction) => {
        if (!this.#ended) this.#rebuilds.heard(introduction);
      },
      onDropped: (peer) => this.#consensus?.step({ type: "peerReset", peer }),
      onRefused: (peer, reason) => {
        if (this.#refusals.refused(peer, reason)) this.#notify();
      },
      onRequest: async (peer, payload, topic) => {
        if (this.#ended) throw new RequestFailed(`${this.#options.nodeId} has stopped`, false);
        if (topic === "snapshot") return this.#answerSnapshot(peer, payload);
        return this.#options.onRequest(peer, payload);
      },
    };
  }

  async #answerSnapshot(peer: NodeId, payload: Uint8Array): Promise<Uint8Array> {
    if (this.#consensus !== null) return this.#consensus.answerSnapshot(peer, payload);
    throw new RequestFailed(`${this.#options.nodeId} belongs to no cluster yet`, false);
  }

  #introduction(): NodeIntroduction {
    const { clusterName, nodeId, members, advertise } = this.#options;
    const { peer, http } = advertise ?? members.find(({ id }) => id === nodeId) ?? { peer: "", http: "" };
    return {
      clusterName,
      nodeId,
      incarnation: this.#identity.incarnation,
      clusterId: this.#identity.clusterId,
      memberListDigest: this.#digest,
      membershipIndex: this.#consensus?.membershipIndex() ?? 0,
      peer,
      http,
      retires: this.#identity.born ? null : (this.#identity.retired?.incarnation ?? null),
    };
  }

  #onMessage(message: PeerMessage, incarnation: string): void {
    if (this.#ended) return;
    // Raft messages that come before birth is stored are lost, as any message may be.
    if (message.type !== "birth") this.#consensus?.step({ type: "receive", message, incarnation });
    else if (this.#birth !== null) this.#birth.onMessage(message);
    else if (message.membership.clusterId !== this.#identity.clusterId) {
      this.#options.log.error(
        { from: message.from, clusterId: message.membership.clusterId },
        `${message.from} belongs to another cluster with the same name; this node belongs to ${this.#identity.clusterId}`,
      );
    }
  }

  #onConnected(peer: NodeId, introduction: NodeIntroduction): void {
    if (this.#ended) return;
    this.#peers.connected(peer, introduction);
    this.#refusals.connected(peer);
    this.#options.log.info({ peer }, `connected with ${peer}`);
    this.#consensus?.step({ type: "peerReset", peer });
    this.#birth?.connected(peer, introduction);
    if (this.#identity.born) this.#tellUnborn(peer, introduction);
    this.#moves.announce();
    this.#notify();
  }

  #onLost(peer: NodeId): void {
    if (this.#ended) return;
    this.#peers.lost(peer);
    this.#options.log.info({ peer }, `lost the connection with ${peer}`);
    this.#consensus?.step({ type: "peerLost", peer });
    this.#birth?.lost(peer);
    this.#notify();
  }

  #tellUnborn(peer: NodeId, introduction: NodeIntroduction): void {
    if (introduction.clusterId !== null || this.#membership === null) return;
    const { transport, nodeId } = this.#options;
    const index = this.#consensus?.membershipIndex() ?? 0;
    // A node that catches up itself does not know the newest one.
    if (index === 0 || this.#consensus?.membership() !== this.#membership) return;
    transport.send({ type: "birth", from: nodeId, to: peer, index, membership: this.#membership });
  }

  #onTurn(): void {
    const membership = this.#consensus?.membership() ?? null;
    if (membership !== null && membership !== this.#membership) {
      this.#membership = membership;
      if (membership.voters.length === 2 && membership.votersOutgoing.length === 0) {
        this.#options.log.warn({}, "two voters tolerate no failure, as one does: add a third node");
      }
      this.#rebuilds.membershipChanged(membership);
      this.#peers.dial(membership);
      for (const [peer, introduction] of this.#peers.introductions) this.#tellUnborn(peer, introduction);
      this.#moves.announce();
      this.#notify();
      return;
    }
    const standing = this.#consensus?.standing();
    if (standing !== undefined && this.#listeners.isNew(standing)) {
      this.#moves.announce();
      this.#notify();
    }
  }

  #notify(): void {
    if (!this.#ended) this.#listeners.tell(this.status());
  }

  #later(callback: () => void): void {
    this.#options.clock.nextTurn(() => safely(this.#options.log, callback));
  }

  /** The process must end; until it does, this node is silent. */
  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#consensus?.abandon();
    this.#options.log.error({ err: error }, `this node cannot go on: ${error.message}`);
    this.#closeTransport().catch((closing: unknown) =>
      this.#options.log.error({ err: closing }, "closing the transport failed"),
    );
    safely(this.#options.log, () => this.#options.onFatal(error));
  }

  #closeTransport(): Promise<void> {
    this.#transportClosing ??= this.#options.transport.close();
    return this.#transportClosing;
  }
}
