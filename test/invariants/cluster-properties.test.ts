/** The properties of the paper's figure 3, on states made by hand: good ones pass, bad ones are named. */
import { EntryType, type Message } from "@quorate/raft/core";
import { describe, expect, it } from "vitest";
import { CommittedLog } from "./committed-log.js";
import { CommittedOnQuorum } from "./committed-on-quorum.js";
import { ElectionSafety } from "./election-safety.js";
import { cluster, entries, node, status, store } from "./hand-made.js";
import { LeaderAppendOnly } from "./leader-append-only.js";
import { LeaderCompleteness } from "./leader-completeness.js";
import { LogMatching } from "./log-matching.js";
import { committed, refuses } from "./refuses.js";
import { StateMachineSafety } from "./state-machine-safety.js";

describe("election safety", () => {
  it("allows one leader per term, and a new one in the next", () => {
    const check = new ElectionSafety();
    for (const id of ["n1", "n2"]) check.nodeStarted(node(id), 1);
    check.stepped(node("n1"), status("n1", { role: "leader", term: 2 }));
    check.stepped(node("n1"), status("n1", { role: "leader", term: 2 }));
    check.stepped(node("n2"), status("n2", { role: "candidate", term: 2 }));
    check.stepped(node("n2"), status("n2", { role: "leader", term: 3 }));
  });

  it("refuses two leaders in one term", () => {
    const check = new ElectionSafety();
    check.stepped(node("n1"), status("n1", { role: "leader", term: 2 }));
    refuses(() => check.stepped(node("n2"), status("n2", { role: "leader", term: 2 })), "both lead term 2");
  });

  it("refuses a restarted server that leads its old term again", () => {
    const check = new ElectionSafety();
    check.nodeStarted(node("n1"), 1);
    check.stepped(node("n1"), status("n1", { role: "leader", term: 2 }));
    check.nodeStarted(node("n1"), 2);
    refuses(() => check.stepped(node("n1"), status("n1", { role: "leader", term: 2 })), "life 2");
  });
});

describe("log matching", () => {
  const started = () => {
    const check = new LogMatching();
    check.nodeStarted(node("n1"));
    check.nodeStarted(node("n2"));
    check.storeRequested(node("n1"), store({ entries: entries(2, [1, 2]) }));
    return check;
  };

  it("allows equal entries, other terms at an index, and replacing a suffix", () => {
    const check = started();
    check.storeRequested(node("n2"), store({ entries: entries(2, [1, 1]) }));
    check.storeRequested(node("n2"), store({ entries: entries(3, [2]) }));
  });

  it("refuses another content under the same index and term", () => {
    refuses(
      () => started().storeRequested(node("n2"), store({ entries: entries(2, [1], "y") })),
      "1@2 at n1 and at n2 has different content",
    );
  });

  it("refuses another history before the same entry", () => {
    const check = started();
    check.storeRequested(node("n2"), store({ entries: entries(2, [2], "y") }));
    refuses(
      () => check.storeRequested(node("n2"), store({ entries: entries(3, [2]) })),
      "terms 1 and 2 before it",
    );
  });

  it("refuses a gap, and terms that fall", () => {
    refuses(
      () => started().storeRequested(node("n2"), store({ entries: entries(3, [1]) })),
      "a log that ends at 1",
    );
    refuses(
      () => started().storeRequested(node("n1"), store({ entries: entries(4, [1], "z") })),
      "follows term 2",
    );
  });

  it("looks at what is sent as well", () => {
    const message = (prevTerm: number): Message => ({
      type: "appendEntries",
      from: "n2",
      to: "n1",
      term: 2,
      prevIndex: 2,
      prevTerm,
      entries: entries(3, [2]),
      commit: 0,
    });
    started().messageSent(node("n2"), message(1));
    refuses(() => started().messageSent(node("n2"), message(2)), "terms 1 and 2 before it");
  });
});

describe("leader completeness", () => {
  it("allows a leader with every entry committed before its term", () => {
    const check = new LeaderCompleteness(committed([1, 1], [2, 2]));
    check.stepped(node("n1", { log: [1, 2, 2] }), status("n1", { role: "leader", term: 3 }));
    check.stepped(node("n2", { log: [1, 2], compacted: 1 }), status("n2", { role: "leader", term: 4 }));
  });

  it("allows a leader that lacks what was committed after it, and followers that lack anything", () => {
    const check = new LeaderCompleteness(committed([1, 1], [5, 5]));
    check.stepped(node("n1", { log: [1] }), status("n1", { role: "leader", term: 4 }));
    check.stepped(node("n2", { log: [1] }), status("n2", { term: 6 }));
  });

  it("refuses a leader without a committed entry, or with another one", () => {
    const check = () => new LeaderCompleteness(committed([1, 1], [2, 2]));
    const leader = status("n1", { role: "leader", term: 3 });
    refuses(() => check().stepped(node("n1", { log: [1] }), leader), "without the committed 2@2");
    refuses(() => check().stepped(node("n1", { log: [1, 1] }), leader), "it holds 1@2");
  });
});

describe("leader append-only", () => {
  const leading = () => {
    const check = new LeaderAppendOnly();
    check.nodeStarted(node("n1", { log: [1, 1] }));
    for (let i = 0; i < 2; i++) check.stepped(node("n1"), status("n1", { role: "leader", term: 2 }));
    return check;
  };

  it("allows appending, and replacing as a follower", () => {
    leading().storeRequested(node("n1"), store({ entries: entries(3, [2]) }));
    const check = leading();
    check.stepped(node("n1"), status("n1", { term: 3 }));
    check.storeRequested(node("n1"), store({ entries: entries(2, [3]) }));
  });

  it("refuses a leader that replaces an entry", () => {
    refuses(
      () => leading().storeRequested(node("n1"), store({ entries: entries(2, [2]) })),
      "replaces its log from index 2",
    );
  });
});

describe("state-machine safety", () => {
  const [first, second, other] = [...entries(1, [1, 1]), ...entries(2, [2], "y")];

  it("allows the same entries on every node, and going on after a restart", () => {
    const check = new StateMachineSafety();
    for (const id of ["n1", "n2"]) {
      check.nodeStarted(node(id));
      if (first) check.entryApplied(node(id), first, 11);
      if (second) check.entryApplied(node(id), second, 12);
    }
    check.nodeStarted(node("n1", { applied: 1 }));
    if (second) check.entryApplied(node("n1"), second, 12);
  });

  it("refuses different entries at one index, repeated ones and gaps", () => {
    const check = new StateMachineSafety();
    for (const id of ["n1", "n2", "n3"]) check.nodeStarted(node(id));
    if (!first || !second || !other) throw new Error("three entries");
    check.entryApplied(node("n1"), first, 11);
    check.entryApplied(node("n1"), second, 12);
    check.entryApplied(node("n2"), first, 11);
    refuses(() => check.entryApplied(node("n2"), other, 99), "n2 applied one of term 2");
    refuses(() => check.entryApplied(node("n1"), second, 12), "where 3 is next");
    refuses(() => check.entryApplied(node("n3"), second, 12), "where 1 is next");
  });
});

describe("committed is on a durable quorum", () => {
  const check = () => {
    const invariant = new CommittedOnQuorum(new CommittedLog());
    for (const id of ["n1", "n2", "n3"]) invariant.nodeStarted(node(id));
    return invariant;
  };
  const leader = status("n1", { role: "leader", term: 2, commit: 2 });

  it("records what a majority holds, also without the leader's own disk", () => {
    const invariant = check();
    const [n1, n2, n3] = [node("n1"), node("n2", { log: [1, 2] }), node("n3", { log: [1, 2] })];
    invariant.stepped(n1, leader, cluster(n1, n2, n3));
    expect(invariant.committed.last).toBe(2);
    expect(invariant.committed.termAt(2)).toBe(2);
    invariant.stepped(n3, status("n3", { term: 2, commit: 2 }), cluster(n1, n2, n3));
  });

  it("counts compacted entries", () => {
    const invariant = check();
    const [n1, n2, n3] = [node("n1"), node("n2", { log: [1, 2], compacted: 2 }), node("n3", { log: [1, 2] })];
    invariant.stepped(n1, leader, cluster(n1, n2, n3));
    expect(invariant.committed.last).toBe(2);
  });

  it("refuses what only a minority holds, or holds under different terms", () => {
    const alone = [node("n1", { log: [1, 2] }), node("n2"), node("n3")] as const;
    refuses(() => check().stepped(alone[0], leader, cluster(...alone)), "on disk is: term 2 on n1");
    const mixed = [node("n1", { log: [1, 2] }), node("n2", { log: [1, 1] }), node("n3")] as const;
    refuses(() => check().stepped(mixed[0], leader, cluster(...mixed)), "term 1 on n2");
  });

  it("refuses a leader that declares another entry committed", () => {
    const invariant = check();
    const [n1, n2, n3] = [
      node("n1", { log: [1, 2] }),
      node("n2", { log: [1, 2] }),
      node("n3", { log: [1, 3] }),
    ];
    invariant.stepped(n1, leader, cluster(n1, n2, n3));
    refuses(
      () => invariant.stepped(n3, status("n3", { role: "leader", term: 3, commit: 2 }), cluster(n1, n2, n3)),
      "committed there is 2@2",
    );
  });
});

describe("entry types", () => {
  it("are part of what log matching compares", () => {
    const check = new LogMatching();
    check.nodeStarted(node("n1"));
    check.nodeStarted(node("n2"));
    const [entry] = entries(2, [2]);
    if (!entry) throw new Error("one entry");
    check.storeRequested(node("n1"), store({ entries: [entry] }));
    refuses(
      () => check.storeRequested(node("n2"), store({ entries: [{ ...entry, type: EntryType.noOp }] })),
      "different content",
    );
  });
});
