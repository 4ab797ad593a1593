/** What single servers owe to others and to clients, on states made by hand: good ones pass, bad ones are named. */
import type { Message } from "@quorate/raft/core";
import { describe, it } from "vitest";
import { checkCounters, checkRegisters } from "./client-history.js";
import { DurablePrefix } from "./durable-prefix.js";
import { checkEveryCallEnds } from "./every-call-ends.js";
import { entries, node, status, store } from "./hand-made.js";
import { IndexOrder } from "./index-order.js";
import { Monotonic } from "./monotonic.js";
import { ReadFreshness } from "./read-freshness.js";
import { committed, refuses } from "./refuses.js";
import { StoreBeforeSend } from "./store-before-send.js";

describe("index order", () => {
  const check = new IndexOrder();

  it("allows compacted ≤ applied ≤ commit ≤ last", () => {
    const n1 = node("n1", { log: [1, 1, 1, 1], compacted: 1, applied: 2, commit: 3 });
    check.nodeStarted(n1);
    check.stepped(n1, status("n1", { firstIndex: 2, applied: 2, commit: 3, lastIndex: 4 }));
  });

  it("refuses any other order, in memory and on disk", () => {
    const n1 = node("n1");
    refuses(() => check.stepped(n1, status("n1", { applied: 1 })), "applied 1 ≤ commit 0");
    refuses(() => check.stepped(n1, status("n1", { commit: 2 })), "commit 2 ≤ last 1");
    refuses(() => check.stepped(n1, status("n1", { firstIndex: 2 })), "compacted 1 ≤ applied 0");
    refuses(() => check.nodeStarted(node("n1", { applied: 2 })), "applied 2 ≤ last 1");
    refuses(() => check.nodeStarted(node("n1", { commit: 2 })), "commit 2 is ahead");
    refuses(() => check.nodeStarted(node("n1", { log: [1, 2], term: 1 })), "older than its last entry's");
  });

  it("refuses a match at or above next, or beyond the leader's log", () => {
    const leader = (match: number, next: number) =>
      status("n1", {
        role: "leader",
        followers: [{ id: "n2", match, next, state: "replicate", active: true }],
      });
    check.stepped(node("n1"), leader(1, 2));
    refuses(() => check.stepped(node("n1"), leader(1, 1)), "match 1, next 1");
    refuses(() => check.stepped(node("n1"), leader(2, 3)), "its log ends at 1");
  });
});

describe("monotonic state", () => {
  const started = () => {
    const check = new Monotonic();
    check.nodeStarted(node("n1", { term: 2, vote: "n1" }));
    check.stepped(node("n1"), status("n1", { term: 2, commit: 1, applied: 1 }));
    return check;
  };
  const vote = (term: number, to: string | null) => store({ hardState: { term, vote: to, commit: 0 } });

  it("allows growth, a new vote in a new term, and a new match in a new leadership", () => {
    const check = started();
    check.storeRequested(node("n1"), vote(2, "n1"));
    check.storeRequested(node("n1"), vote(3, "n2"));
    const leader = (term: number, match: number) =>
      status("n1", {
        role: "leader",
        term,
        commit: 1,
        applied: 1,
        followers: [{ id: "n2", match, next: match + 1, state: "probe", active: true }],
      });
    check.stepped(node("n1"), leader(3, 1));
    refuses(() => check.stepped(node("n1"), leader(3, 0)), "match of n2 of n1 falls from 1 to 0");
    check.stepped(node("n1"), leader(4, 0));
  });

  it("refuses a term, commit or applied index that falls", () => {
    refuses(
      () => started().stepped(node("n1"), status("n1", { term: 1, commit: 1, applied: 1 })),
      "term of n1 falls",
    );
    refuses(() => started().stepped(node("n1"), status("n1", { term: 2, applied: 1 })), "commit of n1 falls");
    refuses(() => started().stepped(node("n1"), status("n1", { term: 2, commit: 1 })), "applied of n1 falls");
  });

  it("refuses a second vote in a term, in one life or across a crash, and a vote that is forgotten", () => {
    refuses(() => started().storeRequested(node("n1"), vote(2, "n2")), "votes for n1 and for n2 in term 2");
    refuses(() => started().nodeStarted(node("n1", { term: 2, vote: "n3" })), "votes for n1 and for n3");
    refuses(() => started().storeRequested(node("n1"), vote(2, null)), "forgets its vote");
  });
});

describe("no message before its store", () => {
  const check = () => new StoreBeforeSend();
  const n1 = node("n1", { log: [1, 2], term: 2, vote: "n2", applied: 1 });
  const to = { from: "n1", to: "n2" } as const;

  it("allows what the disk bears out, and a candidate's own request in a term that is not stored yet", () => {
    const bornOut: Message[] = [
      { ...to, type: "requestVoteResponse", term: 2, granted: true },
      { ...to, type: "appendEntriesAccepted", term: 2, match: 2 },
      { ...to, type: "heartbeatResponse", term: 2, round: 1, appliedDurable: 1 },
      { ...to, type: "requestVote", term: 3, lastIndex: 2, lastTerm: 2, transfer: false },
      { ...to, type: "preVoteRequest", term: 3, lastIndex: 2, lastTerm: 2 },
    ];
    for (const message of bornOut) check().messageSent(n1, message);
  });

  it("refuses a term, a vote, an entry or an applied index that is not on disk", () => {
    const early: readonly (readonly [Message, string])[] = [
      [{ ...to, type: "requestVoteResponse", term: 3, granted: false }, "term 3, on disk is term 2"],
      [{ ...to, to: "n3", type: "requestVoteResponse", term: 2, granted: true }, "on disk is n2"],
      [{ ...to, type: "appendEntriesAccepted", term: 2, match: 3 }, "the log on disk ends at 2"],
      [{ ...to, type: "heartbeatResponse", term: 2, round: 1, appliedDurable: 2 }, "applied 2, on disk 1"],
      [{ ...to, type: "heartbeat", term: 3, commit: 0, round: 0, match: 0 }, "term 3"],
    ];
    for (const [message, text] of early) refuses(() => check().messageSent(n1, message), text);
  });

  it("refuses an acknowledgement while the disk still holds what the leader replaced", () => {
    const invariant = check();
    const leader = node("n2", { log: [1, 3], term: 3 });
    const append = {
      type: "appendEntries",
      from: "n2",
      to: "n1",
      term: 3,
      prevIndex: 1,
      prevTerm: 1,
      commit: 0,
    } as const;
    invariant.messageSent(leader, { ...append, entries: entries(2, [3]) });
    const accepted: Message = { ...to, type: "appendEntriesAccepted", term: 3, match: 2 };
    refuses(
      () => invariant.messageSent(node("n1", { log: [1, 2], term: 3 }), accepted),
      "the disk has term 2",
    );
    invariant.messageSent(node("n1", { log: [1, 3], term: 3 }), accepted);
  });
});

describe("acknowledged entries stay on disk", () => {
  const accept = (term: number, match: number): Message => ({
    type: "appendEntriesAccepted",
    from: "n1",
    to: "n2",
    term,
    match,
  });

  it("allows cutting off and losing what was never committed", () => {
    const check = new DurablePrefix(committed([1, 1]));
    check.messageSent(node("n1"), accept(2, 3));
    check.storeRequested(node("n1", { log: [1, 2, 2] }), store({ entries: entries(2, [3]) }));
    check.nodeStarted(node("n1", { log: [1, 3], term: 3 }));
  });

  it("allows a server to lack what later leaders committed", () => {
    const check = new DurablePrefix(committed([1, 1], [3, 3]));
    check.messageSent(node("n1"), accept(2, 2));
    check.nodeStarted(node("n1", { log: [1, 2] }));
  });

  it("allows a server to replace what was committed later, without it", () => {
    const check = new DurablePrefix(committed([1, 1], [2, 5]));
    check.messageSent(node("n1"), accept(2, 2));
    check.storeRequested(node("n1", { log: [1, 2], term: 3 }), store({ entries: entries(2, [3]) }));
  });

  it("allows writing a committed entry again", () => {
    const check = new DurablePrefix(committed([1, 1], [2, 2]));
    check.messageSent(node("n1"), accept(2, 2));
    check.storeRequested(node("n1", { log: [1, 2] }), store({ entries: entries(2, [2, 2]) }));
  });

  it("refuses a restart without a committed entry that was acknowledged", () => {
    const check = new DurablePrefix(committed([1, 1], [2, 2]));
    check.messageSent(node("n1"), accept(2, 2));
    refuses(() => check.nodeStarted(node("n1", { log: [1], term: 2 })), "without the committed 2@2");
  });

  it("refuses a restart in an earlier term than it has spoken in", () => {
    const check = new DurablePrefix(committed([1, 1]));
    check.messageSent(node("n1"), accept(4, 1));
    refuses(() => check.nodeStarted(node("n1", { term: 3 })), "spoken in term 4");
  });

  it("refuses to delete or overwrite a committed entry", () => {
    const check = new DurablePrefix(committed([1, 1], [2, 2], [2, 2]));
    const n1 = node("n1", { log: [1, 2, 2] });
    check.messageSent(n1, accept(2, 3));
    refuses(() => check.storeRequested(n1, store({ entries: entries(2, [3]) })), "deletes the committed 2@2");
    refuses(() => check.storeRequested(n1, store({ entries: entries(2, [2]) })), "deletes the committed 2@3");
  });
});

describe("read index is never stale", () => {
  const read = { node: "n1", life: 1, context: 7 };

  it("allows an index at or after what was committed when the read was asked", () => {
    const log = committed([1, 1], [2, 2]);
    const check = new ReadFreshness(log);
    check.readAsked(read);
    log.append(2, 2);
    check.readGranted(read, 2);
  });

  it("refuses an older index, and one that nobody asked for", () => {
    const check = new ReadFreshness(committed([1, 1], [2, 2]));
    check.readAsked(read);
    refuses(() => check.readGranted(read, 1), "2 was committed when it was asked");
    refuses(() => check.readGranted({ ...read, context: 8 }, 2), "without being asked for");
  });
});

describe("every call ends", () => {
  it("allows silence only where nothing was asked", () => {
    checkEveryCallEnds([]);
    refuses(() => checkEveryCallEnds([{ node: "n1", what: "set 4 (2@9)" }]), "set 4 (2@9) at n1");
  });
});

describe("client histories", () => {
  it("refuse a stale read", () => {
    const set = { client: "a", op: { kind: "set", key: "k", value: "1" }, calledAt: 1 } as const;
    const get = { client: "b", op: { kind: "get", key: "k" }, calledAt: 3 } as const;
    const answered = [set, get].map((call, i) => ({
      ...call,
      outcome: { kind: "ok", returnedAt: 2 + 2 * i } as const,
    }));
    const [written, seen] = answered;
    if (!written || !seen) throw new Error("two calls");
    const history = (value: string | null) => [
      { ...written, outcome: { ...written.outcome, result: true } },
      { ...seen, outcome: { ...seen.outcome, result: value } },
    ];
    checkRegisters(history("1"));
    refuses(() => checkRegisters(history(null)), "get(k) → null");
  });

  const increment = (calledAt: number, value: number | null) => ({
    key: "c",
    calledAt,
    answer: value === null ? null : { value, returnedAt: calledAt + 5 },
  });

  it("allow counters that moved once per executed increment", () => {
    checkCounters([increment(1, 1), increment(10, 3), increment(2, null)], new Map([["c", 3]]));
    checkCounters([increment(1, 2), increment(2, 1)], new Map([["c", 2]]));
  });

  it("refuse increments that were executed twice, lost, or went back in time", () => {
    refuses(() => checkCounters([increment(1, 1), increment(2, 1)], new Map([["c", 2]])), "both answered 1");
    refuses(() => checkCounters([increment(1, 1)], new Map([["c", 2]])), "ends at 2 after 1");
    refuses(() => checkCounters([increment(1, 1), increment(10, 2)], new Map([["c", 1]])), "ends at 1");
    refuses(
      () => checkCounters([increment(1, 2), increment(10, 1)], new Map([["c", 2]])),
      "before a lower value",
    );
  });
});
