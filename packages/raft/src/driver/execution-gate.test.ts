import { describe, expect, it } from "vitest";
import { type Entry, EntryType, encodeVoid, type Restored } from "../core/index.js";
import { entriesOfTerms, restoredOf, testingMembership } from "../core/testing-server.js";
import type { ExecutionNote, ExecutionNotes } from "../ports/index.js";
import { ExecutionGate } from "./execution-gate.js";

class Notes implements ExecutionNotes {
  readonly place = "DIR/EXECUTING";
  readonly written: string[] = [];
  constructor(public note: ExecutionNote | null = null) {}
  read() {
    return this.note;
  }
  write(note: ExecutionNote, synced: boolean) {
    this.note = note;
    this.written.push(`${note.index}${synced ? " synced" : ""}`);
  }
  clear() {
    this.note = null;
  }
}

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const entry = (index: number): Entry => ({
  index,
  term: 1,
  type: EntryType.application,
  data: new Uint8Array(),
});
const striking = (index: number, at: number): Entry => ({
  index: at,
  term: 2,
  type: EntryType.void,
  data: encodeVoid(index),
});

/** A log of five entries, of which two are executed. */
const five: Restored = restoredOf(
  testingMembership(["n1"]),
  entriesOfTerms([1, 1, 1, 1, 1]),
  { term: 1, vote: null, commit: 5 },
  2,
);

function gateOf(notes: Notes | undefined, more: { holdBefore?: number; restored?: Restored } = {}) {
  const state = { commit: 5, lacks: false };
  const gate = new ExecutionGate({
    notes,
    holdBefore: more.holdBefore,
    restored: more.restored ?? five,
    isOfEntry: (error) => error !== "disk",
    commit: () => state.commit,
    lacksCommitted: () => state.lacks,
    log,
  });
  return { gate, state };
}

describe("what ended a process", () => {
  it("is noted while the entries of the log at the start are executed, never afterwards", () => {
    const notes = new Notes();
    const { gate } = gateOf(notes);
    for (const index of [3, 4, 5, 6, 7]) {
      expect(gate.verdict(entry(index))).toBe("execute");
      gate.begins(entry(index));
      if (index < 6) expect(notes.note).toEqual({ index, attempts: 1, reason: "" });
      gate.ended(entry(index));
    }
    expect(notes.written).toEqual(["3", "4", "5"]);
    expect(notes.note).toBeNull();
  });

  it("is not noted at all where everything is executed already", () => {
    const notes = new Notes();
    const { gate } = gateOf(notes, { restored: { ...five, applied: 5 } });
    gate.begins(entry(6));
    expect(notes.written).toEqual([]);
  });

  it("is no entry between two slices, and none after a clean end", () => {
    const notes = new Notes();
    const { gate } = gateOf(notes);
    gate.begins(entry(3));
    gate.ended(entry(3));
    gate.paused();
    expect(notes.note?.index).toBe(0);
    gate.paused();
    gate.begins(entry(4));
    expect(notes.written).toEqual(["3", "0", "4"]);
    gate.stopped();
    expect(notes.note).toBeNull();
  });

  it("is named and synced when the state machine throws, with how often", () => {
    const notes = new Notes({ index: 4, attempts: 1, reason: "" });
    const { gate } = gateOf(notes);
    gate.begins(entry(4));
    gate.failed(entry(4), new Error("stack overflow"));
    expect(notes.note).toEqual({ index: 4, attempts: 2, reason: "stack overflow" });
    expect(notes.written).toEqual(["4", "4 synced"]);
  });

  it("is not the entry when the disk failed: what was known before stays", () => {
    const before = { index: 4, attempts: 1, reason: "stack overflow" };
    const notes = new Notes(before);
    const { gate } = gateOf(notes);
    gate.begins(entry(3));
    gate.failed(entry(3), "disk");
    expect(notes.note).toEqual(before);
    const none = new Notes();
    gateOf(none).gate.failed(entry(3), "disk");
    expect(none.note).toBeNull();
  });
});

describe("a log that lags behind since the start", () => {
  it("is not executed: what it lacks may strike out what it has", () => {
    const { gate, state } = gateOf(undefined);
    state.lacks = true;
    expect(gate.verdict(entry(3))).toBe("wait");
    expect(gate.verdict({ ...entry(3), type: EntryType.noOp })).toBe("execute");
    gate.stored([striking(3, 6)]);
    state.commit = 6;
    expect([3, 4].map((index) => gate.verdict(entry(index)))).toEqual(["strike", "wait"]);
    state.lacks = false;
    expect(gate.verdict(entry(4))).toBe("execute");
  });
});

describe("an entry is held before", () => {
  it("once it ended two processes; whatever lies before it is executed, and the note is kept", () => {
    const notes = new Notes({ index: 4, attempts: 2, reason: "stack overflow" });
    const { gate } = gateOf(notes);
    expect(gate.held?.index).toBe(4);
    expect(gate.held?.why).toMatch(/ended this process 2 times, the last time with: stack overflow/);
    expect(gate.held?.why).toMatch(/quorate void 4\. To try it again: stop this node, remove DIR\/EXECUTING/);
    expect([3, 4, 5].map((index) => gate.verdict(entry(index)))).toEqual(["execute", "wait", "wait"]);
    gate.begins(entry(3));
    gate.ended(entry(3));
    gate.stopped();
    expect(notes.note).toEqual({ index: 4, attempts: 2, reason: "stack overflow" });
  });

  it.each([1, 0])("not after %i: an accident is no habit", (attempts) => {
    const notes = new Notes({ index: 4, attempts, reason: "" });
    expect(gateOf(notes).gate.held).toBeNull();
  });

  it("not when the state includes it already: the note goes", () => {
    const notes = new Notes({ index: 2, attempts: 9, reason: "" });
    expect(gateOf(notes).gate.held).toBeNull();
    expect(notes.note).toBeNull();
  });

  it("when an operator says so, also without any notes; the earlier one of two counts", () => {
    expect(gateOf(undefined, { holdBefore: 4 }).gate.held?.index).toBe(4);
    expect(gateOf(undefined, { holdBefore: 2 }).gate.held).toBeNull();
    const noted = () => new Notes({ index: 4, attempts: 2, reason: "" });
    expect(gateOf(noted(), { holdBefore: 3 }).gate.held?.index).toBe(3);
    expect(gateOf(noted(), { holdBefore: 5 }).gate.held?.index).toBe(4);
  });

  it("until a snapshot has got past it", () => {
    const { gate } = gateOf(new Notes({ index: 4, attempts: 2, reason: "" }));
    gate.installed(3);
    expect(gate.held?.index).toBe(4);
    gate.installed(9);
    expect(gate.held).toBeNull();
    expect(gate.verdict(entry(10))).toBe("execute");
  });
});

describe("an entry that is struck out", () => {
  it("waits until that is decided, is struck when it is committed, and ends the hold", () => {
    const { gate, state } = gateOf(new Notes({ index: 4, attempts: 2, reason: "" }));
    gate.stored([striking(4, 6)]);
    expect(gate.strikerOf(4)).toBe(6);
    expect(gate.verdict(entry(4))).toBe("wait");
    state.commit = 6;
    expect(gate.verdict(entry(4))).toBe("strike");
    expect(gate.verdict(entry(5))).toBe("wait");
    gate.ended(entry(4));
    expect(gate.held).toBeNull();
    expect(gate.verdict(entry(5))).toBe("execute");
    gate.ended(striking(4, 6));
    expect(gate.strikerOf(4)).toBeNull();
  });

  it("waits also where nothing is held: it was struck out before this node came to it", () => {
    const { gate } = gateOf(undefined);
    gate.stored([striking(4, 6)]);
    expect(gate.verdict(entry(3))).toBe("execute");
    expect(gate.verdict(entry(4))).toBe("wait");
  });

  it("is not, when the entry that struck it out is cut off", () => {
    const { gate } = gateOf(undefined);
    gate.stored([entry(6), striking(4, 7)]);
    gate.stored([entry(7)]);
    expect(gate.strikerOf(4)).toBeNull();
    expect(gate.verdict(entry(4))).toBe("execute");
  });

  it("is known from the log that was there at the start", () => {
    const { gate } = gateOf(undefined, { restored: { ...five, voids: [striking(4, 5)] } });
    expect(gate.verdict(entry(4))).toBe("strike");
  });

  it("lies before the entry that strikes it out: anything else strikes nothing", () => {
    const { gate } = gateOf(undefined);
    gate.stored([striking(9, 6), { ...striking(4, 7), data: new Uint8Array(3) }]);
    expect(gate.strikerOf(9)).toBeNull();
    expect(gate.strikerOf(4)).toBeNull();
  });
});
