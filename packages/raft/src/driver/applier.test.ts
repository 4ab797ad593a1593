import { describe, expect, it } from "vitest";
import { type Entry, EntryType } from "../core/index.js";
import { MemoryDisk } from "../memory.js";
import type { ApplyOutcome, Clock, StateView } from "../ports/index.js";
import { Applier } from "./applier.js";
import type { Verdict } from "./execution-gate.js";
import { Overlay } from "./overlay.js";

const entry = (index: number, type: EntryType = EntryType.application): Entry => ({
  index,
  term: 1,
  type,
  data: new Uint8Array(),
});
const microtasks = () => new Promise<void>((resolve) => setImmediate(resolve));
const nothing: ApplyOutcome<string> = { result: "", effects: [] };

type Apply = (entry: Entry, view: StateView) => ApplyOutcome<string> | Promise<ApplyOutcome<string>>;

const open = {
  verdict: (_entry: Entry): Verdict => "execute",
  begins: () => undefined,
  ended: () => undefined,
  failed: () => undefined,
  paused: () => undefined,
};

function applierOf(apply: Apply, { bytesMax = 1 << 20, msPerEntry = 0, gate = open } = {}) {
  let now = 0;
  const clock: Clock = {
    monotonicMs: () => now,
    after: () => () => undefined,
    nextTurn: () => undefined,
  };
  const overlay = new Overlay(new MemoryDisk().open(), 0, bytesMax);
  const applied: number[] = [];
  const failures: [number, unknown][] = [];
  let resumed = 0;
  const machine = {
    strike: () => ({ result: "struck out", effects: [] }),
    confirmStrike: () => ({ result: "confirmed", effects: [] }),
    apply: (one: Entry, view: StateView) => {
      now += msPerEntry;
      return apply(one, view);
    },
  };
  const applier = new Applier<string>(
    machine,
    overlay,
    clock,
    {
      onApplied: (one) => applied.push(one.index),
      onResumed: () => resumed++,
      onFailure: (one, error) => failures.push([one.index, error]),
    },
    gate,
  );
  return { applier, overlay, applied, failures, resumed: () => resumed };
}

describe("applier", () => {
  it("executes in order; Raft's own entries only move the index", () => {
    const executed: number[] = [];
    const { applier, applied, overlay } = applierOf((one, view) => {
      expect(view.index).toBe(one.index - 1);
      executed.push(one.index);
      return nothing;
    });
    applier.push([entry(1, EntryType.membership), entry(2, EntryType.noOp), entry(3)]);
    applier.push([entry(4)]);
    applier.run();
    expect(applied).toEqual([1, 2, 3, 4]);
    expect(executed).toEqual([3, 4]);
    expect(overlay.index).toBe(4);
    expect(applier.runnable).toBe(false);
  });

  it("yields after 5 ms, looking at the clock after every entry", () => {
    const { applier, applied } = applierOf(() => nothing, { msPerEntry: 2 });
    applier.push([1, 2, 3, 4, 5, 6, 7].map((index) => entry(index)));
    applier.run();
    expect(applied).toEqual([1, 2, 3]);
    expect(applier.runnable).toBe(true);
    applier.run();
    expect(applied).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("pauses while the overlay is full", () => {
    const big = { result: "", effects: [{ key: Uint8Array.of(1), value: new Uint8Array(600) }] };
    const { applier, applied, overlay } = applierOf(() => big, { bytesMax: 1000 });
    applier.push([1, 2, 3].map((index) => entry(index)));
    applier.run();
    expect(applied).toEqual([1, 2]);
    expect(applier.runnable).toBe(false);
    overlay.beginWrite(2);
    applier.run();
    expect(applied).toEqual([1, 2]);
    overlay.endWrite();
    expect(applier.runnable).toBe(true);
    applier.run();
    expect(applied).toEqual([1, 2, 3]);
  });

  it("waits for an entry that waits for data, and nothing overtakes it", async () => {
    let release: (outcome: ApplyOutcome<string>) => void = () => undefined;
    const { applier, applied, resumed } = applierOf((one) =>
      one.index === 1 ? new Promise((resolve) => (release = resolve)) : nothing,
    );
    applier.push([entry(1), entry(2)]);
    applier.run();
    applier.run();
    expect(applied).toEqual([]);
    release(nothing);
    await microtasks();
    expect(applied).toEqual([1]);
    expect(resumed()).toBe(1);
    applier.run();
    expect(applied).toEqual([1, 2]);
  });

  it("ignores the outcome of an entry that was waiting when it stopped", async () => {
    let release: (outcome: ApplyOutcome<string>) => void = () => undefined;
    const { applier, applied, overlay } = applierOf(() => new Promise((resolve) => (release = resolve)));
    applier.push([entry(1)]);
    applier.run();
    applier.stop();
    release(nothing);
    await microtasks();
    expect(applied).toEqual([]);
    expect(overlay.index).toBe(0);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("out of memory");
      },
    ],
    ["rejects", () => Promise.reject(new Error("out of memory"))],
  ] as const)(
    "keeps nothing of an entry whose execution %s, and executes nothing after it",
    async (_how, apply) => {
      const { applier, applied, failures, overlay } = applierOf(apply);
      applier.push([entry(1), entry(2)]);
      applier.run();
      await microtasks();
      applier.run();
      expect(failures).toEqual([[1, new Error("out of memory")]]);
      expect(applied).toEqual([]);
      expect(overlay.index).toBe(0);
    },
  );

  it("refuses entries out of order", () => {
    const { applier } = applierOf(() => nothing);
    applier.push([entry(2)]);
    expect(() => applier.run()).toThrow("entry 2 came for execution after entry 0");
  });
});
