/** What the checkers say of snapshots, good ones and bad ones. */
import type { InstallSnapshot, SnapshotHead } from "@quorate/raft/core";
import { describe, it } from "vitest";
import { DurablePrefix } from "./durable-prefix.js";
import { entries, node, status, store } from "./hand-made.js";
import { LeaderAppendOnly } from "./leader-append-only.js";
import { committed as committedLog, refuses } from "./refuses.js";
import { SnapshotOrder } from "./snapshot-order.js";
import { StateMachineSafety } from "./state-machine-safety.js";

const committed = committedLog([1, 1], [1, 1], [2, 2]);

const members = { clusterId: "c", members: [], voters: [], votersOutgoing: [], learners: [] };
const head = (index: number, term: number): SnapshotHead => ({
  last: { index, term },
  membership: { index: 1, membership: members },
});
const offer = (lastIncludedIndex: number, lastIncludedTerm: number): InstallSnapshot => ({
  type: "installSnapshot",
  from: "n1",
  to: "n2",
  term: 2,
  lastIncludedIndex,
  lastIncludedTerm,
});

describe("snapshot order", () => {
  const check = new SnapshotOrder(committed);

  it("allows snapshots of what is committed and durably applied, and taking a state forward", () => {
    check.messageSent(node("n1", { log: [1, 1, 2], applied: 3 }), offer(3, 2));
    check.storeRequested(node("n2", { log: [1], applied: 1 }), store({ install: head(2, 1) }));
  });

  it("refuses one ahead of the disk, one of an entry that is not committed, one that goes back", () => {
    const maker = node("n1", { log: [1, 1, 2], applied: 2 });
    refuses(() => check.messageSent(maker, offer(3, 2)), "on its disk is applied 2");
    refuses(() => check.messageSent(maker, offer(2, 2)), "committed there is 1@2");
    const later = node("n2", { log: [1, 1], applied: 2 });
    refuses(() => check.storeRequested(later, store({ install: head(2, 1) })), "its state is at 2 already");
    refuses(() => check.storeRequested(later, store({ install: head(4, 2) })), "committed there is nothing");
  });
});

describe("state-machine safety", () => {
  it("compares an installed state, and the one found on disk at a start, with what others came to", () => {
    const check = new StateMachineSafety();
    check.nodeStarted(node("n1"));
    for (const [i, entry] of entries(1, [1, 1]).entries()) check.entryApplied(node("n1"), entry, 100 + i);
    check.snapshotInstalled(node("n2"), { index: 2, term: 1 }, 101);
    refuses(() => check.snapshotInstalled(node("n3"), { index: 2, term: 1 }, 100), "n1 came to 101");
    const restarted = node("n2", { log: [1, 1], applied: 1 });
    refuses(
      () => check.nodeStarted({ ...restarted, durable: { ...restarted.durable, digest: 7 } }),
      "n1 came to 100",
    );
  });
});

describe("other properties", () => {
  it("a leader does not install", () => {
    const check = new LeaderAppendOnly();
    const n1 = node("n1", { log: [1, 1] });
    check.nodeStarted(n1);
    check.storeRequested(n1, store({ install: head(3, 2) }));
    for (let i = 0; i < 2; i++) check.stepped(n1, status("n1", { role: "leader", term: 2 }));
    refuses(() => check.storeRequested(n1, store({ install: head(3, 2) })), "replaces its log by a snapshot");
  });

  it("what was acknowledged and committed behind a snapshot's end stays", () => {
    const check = new DurablePrefix(committed);
    const n2 = node("n2", { log: [1, 1, 2] });
    check.messageSent(n2, { type: "appendEntriesAccepted", from: "n2", to: "n1", term: 2, match: 3 });
    check.storeRequested(n2, store({ install: head(3, 2) }));
    refuses(() => check.storeRequested(n2, store({ install: head(2, 1) })), "deletes the committed 2@3");
  });
});
