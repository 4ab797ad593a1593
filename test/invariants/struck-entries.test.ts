import { type Entry, EntryType, encodeVoid } from "@quorate/raft/core";
import { describe, expect, it } from "vitest";
import { entries, node, store } from "./hand-made.js";
import { committed, refuses } from "./refuses.js";
import { StateMachineSafety } from "./state-machine-safety.js";
import { StruckEntries } from "./struck-entries.js";

const [first, second, third] = entries(1, [1, 1, 1]) as [Entry, Entry, Entry];
/** Strikes out the second one. */
const striking: Entry = { index: 4, term: 2, type: EntryType.void, data: encodeVoid(2) };

describe("struck out on all nodes or on none", () => {
  function withVoid(terms: (readonly [number, number])[]) {
    const check = new StruckEntries(committed(...terms));
    check.storeRequested(node("n1"), store({ entries: [first, second, third, striking] }));
    return check;
  }
  const four = [
    [1, 1],
    [1, 1],
    [1, 1],
  ] as const;

  it("allows it once the entry that says so is committed, and a node that struck it out goes on behind", () => {
    const check = withVoid([...four, [2, 2]]);
    check.entryApplied(node("n1"), first, 1, []);
    check.entryApplied(node("n1"), second, 2, [2]);
    check.entryApplied(node("n1"), third, 3, [2]);
    check.entryApplied(node("n1"), striking, 4, [2]);
    check.entryApplied(node("n2"), second, 2, []);
  });

  it.each([
    ["not yet committed", [...four]],
    ["cut off, and another one is committed there", [...four, [3, 3] as const]],
  ])("refuses it while that entry is %s", (_, terms) => {
    const check = withVoid(terms);
    refuses(() => check.entryApplied(node("n1"), second, 2, [2]), "nothing that is committed says so");
  });

  it("refuses a node that executed it and goes on behind the entry that strikes it out", () => {
    const check = withVoid([...four, [2, 2]]);
    check.entryApplied(node("n2"), second, 2, []);
    refuses(() => check.entryApplied(node("n2"), striking, 4, []), "has executed that one");
  });
});

describe("state-machine safety with struck entries", () => {
  it("compares states that struck out the same, in memory, on disk and out of snapshots", () => {
    const check = new StateMachineSafety();
    for (const id of ["n1", "n2", "n3"]) check.nodeStarted(node(id));
    for (const id of ["n1", "n2", "n3"]) check.entryApplied(node(id), first, 1);
    check.entryApplied(node("n1"), second, 22, [2]);
    check.entryApplied(node("n2"), second, 2);
    refuses(() => check.entryApplied(node("n3"), second, 23, [2]), "n3 applied one");
    const { durable } = node("n4", { log: [1, 1], applied: 2 });
    const started = (digest: number) => () =>
      check.nodeStarted({ id: "n4", durable: { ...durable, struck: [2], digest } });
    refuses(started(2), "has on disk the state of index 2");
    expect(started(22)).not.toThrow();
  });
});
