import { beforeEach, describe, expect, it } from "vitest";
import { type Entry, EntryType } from "../core/index.js";
import { Proposals } from "./proposals.js";
import type { ProposalOutcome, RaftLog } from "./types.js";

const errors: string[] = [];
const log: RaftLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (_fields, message) => errors.push(message),
};
const entry = (index: number, term: number, type: EntryType = EntryType.application): Entry => ({
  index,
  term,
  type,
  data: new Uint8Array(),
});

describe("proposals", () => {
  let proposals: Proposals<string>;
  let ended: [name: string, outcome: ProposalOutcome<string>][];

  beforeEach(() => {
    proposals = new Proposals(log);
    ended = [];
  });

  function propose(name: string, at?: { index: number; term: number }): number {
    const { context } = proposals.add(new Uint8Array(), (outcome) => ended.push([name, outcome]));
    if (at !== undefined) proposals.accepted({ context, ...at });
    return context;
  }

  it("ends as applied when its very entry was executed", () => {
    propose("a", { index: 5, term: 2 });
    proposals.applied(entry(4, 2), { value: "other" });
    expect(ended).toEqual([]);
    proposals.applied(entry(5, 2), { value: "done" });
    expect(ended).toEqual([["a", { kind: "applied", index: 5, result: "done" }]]);
    expect(proposals.size).toBe(0);
  });

  it("ends as lost when another term's entry was committed at its index", () => {
    propose("a", { index: 5, term: 2 });
    proposals.applied(entry(5, 3, EntryType.noOp), null);
    expect(ended).toEqual([["a", { kind: "lost" }]]);
  });

  it("is not lost by truncation alone: another server may still bring its entry", () => {
    propose("former", { index: 5, term: 2 });
    // Deposed, truncated, elected again: this leader appends at the same index.
    propose("later", { index: 5, term: 4 });
    expect(ended).toEqual([]);
    // A server that kept the former entry was elected in term 5 and committed it.
    proposals.applied(entry(5, 2), { value: "former" });
    expect(ended).toEqual([
      ["later", { kind: "lost" }],
      ["former", { kind: "applied", index: 5, result: "former" }],
    ]);
    expect(proposals.size).toBe(0);
  });

  it("ends as lost when an entry of a later term was executed before its index: nothing may ever come there", () => {
    propose("first", { index: 7, term: 2 });
    propose("former", { index: 9, term: 2 });
    propose("middle", { index: 9, term: 4 });
    propose("newest", { index: 9, term: 6 });
    proposals.applied(entry(5, 2), { value: "other" });
    expect(ended).toEqual([]);
    proposals.applied(entry(6, 4, EntryType.noOp), null);
    expect(ended.map(([name, { kind }]) => `${name} ${kind}`).sort()).toEqual(["first lost", "former lost"]);
    expect(proposals.size).toBe(2);
    proposals.applied(entry(9, 4), { value: "done" });
    expect(ended.slice(2)).toEqual([
      ["newest", { kind: "lost" }],
      ["middle", { kind: "applied", index: 9, result: "done" }],
    ]);
  });

  it("ends as refused, or as unknown when the node stops; once", () => {
    const context = propose("refused");
    proposals.refused({ context, reason: "overloaded" });
    proposals.refused({ context, reason: "overloaded" });
    propose("gathered");
    propose("former", { index: 5, term: 2 });
    propose("later", { index: 5, term: 4 });
    expect(proposals.size).toBe(3);
    proposals.abandon();
    proposals.abandon();
    expect(ended[0]).toEqual(["refused", { kind: "refused", reason: "overloaded" }]);
    expect(ended.slice(1).map(([name, { kind }]) => `${name} ${kind}`)).toEqual([
      "gathered unknown",
      "later unknown",
      "former unknown",
    ]);
    expect(proposals.size).toBe(0);
  });

  it("a callback that throws does not keep others from their outcome", () => {
    const { context } = proposals.add(new Uint8Array(), () => {
      throw new Error("the caller's fault");
    });
    proposals.accepted({ context, index: 5, term: 2 });
    propose("next", { index: 6, term: 2 });
    proposals.applied(entry(5, 2), { value: "" });
    proposals.applied(entry(6, 2), { value: "" });
    expect(ended.map(([name]) => name)).toEqual(["next"]);
    expect(errors).toEqual(["a callback given to the Raft node threw"]);
  });
});
