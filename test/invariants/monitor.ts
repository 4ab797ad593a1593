import type { Entry, Index, LogId, Message, Status, StoreRequest } from "@quorate/raft/core";
import { CommittedLog } from "./committed-log.js";
import { CommittedOnQuorum } from "./committed-on-quorum.js";
import { DurablePrefix } from "./durable-prefix.js";
import { ElectionSafety } from "./election-safety.js";
import { IndexOrder } from "./index-order.js";
import { LeaderAppendOnly } from "./leader-append-only.js";
import { LeaderCompleteness } from "./leader-completeness.js";
import { LogMatching } from "./log-matching.js";
import { MembershipChanges } from "./membership-changes.js";
import { Monotonic } from "./monotonic.js";
import type { ClusterView, Invariant, NodeView, ReadView } from "./observation.js";
import { ReadFreshness } from "./read-freshness.js";
import { SnapshotOrder } from "./snapshot-order.js";
import { StateMachineSafety } from "./state-machine-safety.js";
import { StoreBeforeSend } from "./store-before-send.js";
import { StruckEntries } from "./struck-entries.js";

/** All invariants that are judged step by step, over one run of one cluster. */
export class Monitor {
  readonly committed = new CommittedLog();
  readonly #invariants: readonly Invariant[] = [
    new ElectionSafety(),
    new Monotonic(),
    new StoreBeforeSend(),
    new LeaderCompleteness(this.committed),
    new CommittedOnQuorum(this.committed),
    new IndexOrder(),
    new LogMatching(),
    new LeaderAppendOnly(),
    new DurablePrefix(this.committed),
    new StateMachineSafety(),
    new StruckEntries(this.committed),
    new SnapshotOrder(this.committed),
    new ReadFreshness(this.committed),
    new MembershipChanges(),
  ];
  // Per kind of moment those that look at it: asking all of them each time takes longer than judging.
  readonly #ofStep = this.#lookingAt("stepped");
  readonly #ofStore = this.#lookingAt("storeRequested");
  readonly #ofMessage = this.#lookingAt("messageSent");
  readonly #ofApply = this.#lookingAt("entryApplied");
  readonly #ofReads = this.#lookingAt("readAsked", "readGranted", "readEnded");

  nodeStarted(node: NodeView, life: number): void {
    for (const invariant of this.#invariants) invariant.nodeStarted?.(node, life);
  }

  diskReplaced(node: NodeView): void {
    for (const invariant of this.#invariants) invariant.diskReplaced?.(node);
  }

  stepped(node: NodeView, status: Status, cluster: ClusterView): void {
    for (const invariant of this.#ofStep) invariant.stepped(node, status, cluster);
  }

  storeRequested(node: NodeView, request: StoreRequest): void {
    for (const invariant of this.#ofStore) invariant.storeRequested(node, request);
  }

  messageSent(sender: NodeView, message: Message): void {
    for (const invariant of this.#ofMessage) invariant.messageSent(sender, message);
  }

  entryApplied(node: NodeView, entry: Entry, digest: number, struck: readonly Index[]): void {
    for (const invariant of this.#ofApply) invariant.entryApplied(node, entry, digest, struck);
  }

  snapshotInstalled(node: NodeView, last: LogId, digest: number): void {
    for (const invariant of this.#invariants) invariant.snapshotInstalled?.(node, last, digest);
  }

  readAsked(read: ReadView): void {
    for (const invariant of this.#ofReads) invariant.readAsked(read);
  }

  readGranted(read: ReadView, index: Index): void {
    for (const invariant of this.#ofReads) invariant.readGranted(read, index);
  }

  readEnded(read: ReadView): void {
    for (const invariant of this.#ofReads) invariant.readEnded(read);
  }

  #lookingAt<K extends keyof Invariant>(
    ...moments: K[]
  ): readonly (Invariant & Required<Pick<Invariant, K>>)[] {
    const looks = (invariant: Invariant): invariant is Invariant & Required<Pick<Invariant, K>> =>
      moments.every((moment) => invariant[moment] !== undefined);
    return this.#invariants.filter(looks);
  }
}
