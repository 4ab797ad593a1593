import { beforeEach, describe, expect, it } from "vitest";
import { type Entry, encodeMembership, type StoreRequest } from "../core/index.js";
import { testingMembership } from "../core/testing-server.js";
import { MemoryDisk, type MemoryStorage, type PendingWrite } from "../memory.js";
import type { Clock, WriteBatch } from "../ports/index.js";
import { Overlay } from "./overlay.js";
import { Writer } from "./writer.js";

const entry = (index: number, term = 1): Entry => ({ index, term, type: 1, data: new Uint8Array() });
const key = (value: number) => Uint8Array.of(value);
const microtasks = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("writer", () => {
  let disk: MemoryDisk;
  let storage: MemoryStorage;
  let writes: PendingWrite[];
  let timers: { readonly delayMs: number; readonly callback: () => void; cancelled: boolean }[];
  let overlay: Overlay;
  let writer: Writer;
  let durable: (number | null)[];
  let took: number[];
  let now: number;
  let failures: unknown[];
  let tickets: number;

  beforeEach(() => {
    disk = new MemoryDisk();
    open();
  });

  function open(): void {
    writes = [];
    timers = [];
    durable = [];
    took = [];
    now = 1_000;
    failures = [];
    tickets = 0;
    storage = disk.open({ onWrite: (write) => writes.push(write) });
    overlay = new Overlay(storage, storage.restored.applied, 8 << 20);
    const clock: Clock = {
      monotonicMs: () => now,
      after: (delayMs, callback) => {
        const timer = { delayMs, callback, cancelled: false };
        timers.push(timer);
        return () => {
          timer.cancelled = true;
        };
      },
      nextTurn: (callback) => callback(),
    };
    writer = new Writer(storage, storage.restored, overlay, clock, {
      onDurable: ({ ticket, tookMs }) => {
        durable.push(ticket);
        took.push(tookMs);
      },
      onFailure: (error) => failures.push(error),
    });
  }

  function store(entries: readonly Entry[], term = entries.at(-1)?.term ?? 1): StoreRequest {
    const hardState = { term, vote: null, commit: 0 };
    const request = { ticket: ++tickets, hardState, entries, compactTo: 0, install: null };
    writer.store(request);
    return request;
  }

  function applied(index: number, { term = 1, bytes = 1 } = {}): void {
    overlay.push(index, term, [{ key: key(index), value: new Uint8Array(bytes) }]);
  }

  async function complete(): Promise<WriteBatch> {
    const write = writes.shift();
    if (write === undefined) throw new Error("nothing is being written");
    write.complete();
    await microtasks();
    return write.batch;
  }

  function fireTimers(): void {
    for (const timer of timers.splice(0)) if (!timer.cancelled) timer.callback();
  }

  it("has one batch in flight; what comes meanwhile makes the next one", async () => {
    store([entry(1)]);
    writer.pump();
    applied(1);
    store([entry(2)]);
    writer.pump();
    writer.pump();
    expect(writes).toHaveLength(1);
    expect(await complete()).toMatchObject({ entries: [entry(1)], effects: [], applied: null });
    expect(durable).toEqual([1]);
    expect(writes).toHaveLength(0);
    writer.pump();
    expect(await complete()).toMatchObject({ entries: [entry(2)], applied: 1, effects: [{ key: key(1) }] });
    expect(durable).toEqual([1, 2]);
    expect(writer.durable).toBe(1);
  });

  it("tells how long each batch took", async () => {
    for (const ms of [7, 0]) {
      store([entry(1)]);
      writer.pump();
      now += ms;
      await complete();
    }
    expect(took).toEqual([7, 0]);
  });

  it("refuses a second store request before the first is written", () => {
    store([entry(1)]);
    expect(() => store([entry(2)])).toThrow(/store request 2 came while 1 still waits/);
  });

  it("never writes an applied index beyond the stored log", async () => {
    store([entry(1), entry(2)]);
    writer.pump();
    for (const index of [1, 2, 3, 4]) applied(index);
    await complete();
    store([entry(3)]);
    writer.pump();
    expect(await complete()).toMatchObject({ applied: 3 });
    writer.pump();
    fireTimers();
    expect(writes).toHaveLength(0);
    store([entry(4)]);
    writer.pump();
    expect(await complete()).toMatchObject({ applied: 4 });
  });

  it("does not take another leader's entry at the same index for the applied one", async () => {
    store([entry(1), entry(2), entry(3)]);
    writer.pump();
    await complete();
    // The new leader's 2 and 3 are committed and executed here before they are on this disk.
    for (const index of [1, 2, 3]) applied(index, { term: index === 1 ? 1 : 2 });
    const closing = writer.close();
    await microtasks();
    expect((await complete()).applied).toBe(1);
    await closing;
    expect(writes).toHaveLength(0);
    expect(writer.durable).toBe(1);
  });

  it("stores the new leader's entries together with their effects", async () => {
    store([entry(1), entry(2), entry(3)]);
    writer.pump();
    await complete();
    applied(1);
    applied(2, { term: 2 });
    applied(3, { term: 2 });
    store([entry(2, 2), entry(3, 2)]);
    writer.pump();
    expect(await complete()).toMatchObject({ applied: 3 });
  });

  it("writes at most 1 MiB of effects per batch; one larger entry goes without others", async () => {
    store([1, 2, 3, 4, 5].map((index) => entry(index)));
    writer.pump();
    await complete();
    const kib = 1024;
    applied(1, { bytes: 500 * kib });
    applied(2, { bytes: 500 * kib });
    applied(3, { bytes: 500 * kib });
    applied(4, { bytes: 3000 * kib });
    applied(5);
    for (const expected of [2, 3, 4]) {
      writer.pump();
      expect((await complete()).applied).toBe(expected);
    }
    writer.pump();
    expect(writes).toHaveLength(0);
    fireTimers();
    expect((await complete()).applied).toBe(5);
  });

  it("flushes the effects of an idle node after 100 ms, and not before", async () => {
    store([entry(1)]);
    writer.pump();
    await complete();
    applied(1);
    writer.pump();
    writer.pump();
    expect(writes).toHaveLength(0);
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([100]);
    fireTimers();
    expect(await complete()).toMatchObject({ hardState: null, entries: [], applied: 1 });
    expect(durable).toEqual([1, null]);
    expect(overlay.bytes).toBe(0);
    writer.pump();
    expect(timers).toHaveLength(0);
  });

  it("keeps effects readable until their batch is durable", async () => {
    store([entry(1)]);
    writer.pump();
    applied(1);
    await complete();
    store([entry(2)]);
    writer.pump();
    expect(storage.get(key(1))).toBeUndefined();
    expect(overlay.get(key(1))).toEqual(new Uint8Array(1));
    await complete();
    expect(storage.get(key(1))).toEqual(new Uint8Array(1));
    expect(overlay.get(key(1))).toEqual(new Uint8Array(1));
  });

  it("closes with everything that may be written written, and forgets a request not begun", async () => {
    store([entry(1), entry(2)]);
    writer.pump();
    applied(1);
    applied(2);
    applied(3);
    store([entry(3)]);
    const closing = writer.close();
    await complete();
    expect(await complete()).toMatchObject({ entries: [], applied: 2 });
    await closing;
    writer.pump();
    expect(writes).toHaveLength(0);
  });

  it("reports a failure once and writes nothing afterwards", async () => {
    store([entry(1)]);
    writer.pump();
    writes.shift()?.fail(new Error("no space left"));
    await microtasks();
    expect(failures).toHaveLength(1);
    expect(durable).toEqual([]);
    store([entry(1)]);
    writer.pump();
    await writer.close();
    expect(writes).toHaveLength(0);
  });

  it("writes a snapshot's parts between the effects, and none of these into the new state", async () => {
    const members = testingMembership(["n1"]);
    const birth: Entry = { index: 1, term: 1, type: 2, data: encodeMembership(members) };
    store([birth, entry(2), entry(3)]);
    writer.pump();
    await complete();
    applied(1);
    const last = { index: 9, term: 2 };
    const cursor = { key: key(200), check: 7 };
    const pairs = [[key(200), key(1)]] as const;
    writer.receive({ snapshot: { from: "n2", last }, after: null, pairs, cursor, complete: true });
    writer.pump();
    expect(await complete()).toMatchObject({ applied: 1, chunk: { complete: true } });
    expect(storage.get(key(200))).toBeUndefined();

    applied(2);
    const hardState = { term: 2, vote: null, commit: 0 };
    const install = { last, membership: { index: 1, membership: members } };
    writer.store({ ticket: ++tickets, hardState, entries: [], compactTo: 0, install });
    writer.pump();
    applied(3);
    expect(overlay.get(key(2))).toBeDefined();
    expect(await complete()).toMatchObject({ effects: [], applied: null, install });
    expect(writer.durable).toBe(9);
    expect([overlay.index, overlay.bytes, overlay.waiting]).toEqual([9, 0, []]);
    expect(overlay.get(key(2))).toBeUndefined();
    expect(overlay.get(key(200))).toEqual(key(1));

    store([entry(10, 2)], 2);
    applied(10, { term: 2 });
    writer.pump();
    expect(await complete()).toMatchObject({ applied: 10 });
  });

  it("leaves a prefix whichever batch a crash loses", async () => {
    for (let lost = 1; lost <= 6; lost++) {
      disk = new MemoryDisk();
      open();
      for (let batch = 1; batch <= 6; batch++) {
        store([entry(batch)]);
        writer.pump();
        applied(batch);
        if (batch === lost) break;
        await complete();
      }
      disk.crash({ inFlight: lost % 2 === 0 ? "lost" : "reached" });
      open();
      const { applied: durableApplied, last } = storage.restored;
      expect(durableApplied).toBeLessThanOrEqual(last.index);
      for (let index = 1; index <= 6; index++) {
        expect(storage.get(key(index)) !== undefined).toBe(index <= durableApplied);
      }
      expect(overlay.index).toBe(durableApplied);
    }
  });
});
