/** What every `Storage` promises. Run on each implementation; see `ports/storage.ts` for the words, `snapshot-contract.ts` for the rest. */
import type { Storage } from "@quorate/raft";
import { EntryType } from "@quorate/raft/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  batch,
  bytes,
  effect,
  entries,
  hardState,
  ids,
  membershipEntry,
  membershipOf,
  plain,
  type StorageHarness,
  scanned,
  text,
} from "./storage-harness.js";

export function storageContract(name: string, makeHarness: () => Promise<StorageHarness>): void {
  describe(`storage contract: ${name}`, () => {
    let harness: StorageHarness;
    let storage: Storage;

    beforeEach(async () => {
      harness = await makeHarness();
      storage = await harness.open();
    });

    afterEach(async () => {
      await storage.close();
      await harness.dispose();
    });

    async function reopen(options?: { maxTailBytes?: number }): Promise<Storage> {
      await storage.close();
      storage = await harness.open(options);
      return storage;
    }

    describe("a new disk", () => {
      test("holds nothing", () => {
        expect(storage.restored).toEqual({
          hardState: { term: 0, vote: null, commit: 0 },
          compacted: { index: 0, term: 0 },
          terms: [],
          tail: [],
          last: { index: 0, term: 0 },
          membership: null,
          applied: 0,
          logBytes: 0,
        });
        expect(storage.get(bytes("a"))).toBeUndefined();
      });

      test("still holds nothing when it is opened again", async () => {
        const { restored } = storage;
        expect((await reopen()).restored).toEqual(restored);
      });
    });

    describe("what was written is there after reopening", () => {
      test("hard state, with and without a vote", async () => {
        await storage.write(batch({ hardState: hardState(3, 0, "n2") }));
        expect((await reopen()).restored.hardState).toEqual({ term: 3, vote: "n2", commit: 0 });
        await storage.write(batch({ hardState: hardState(4) }));
        expect((await reopen()).restored.hardState).toEqual({ term: 4, vote: null, commit: 0 });
      });

      test("numbers beyond 32 bits", async () => {
        const term = 2 ** 40 + 5;
        await storage.write(batch({ hardState: hardState(term, 1), entries: entries(1, term) }));
        const { restored } = await reopen();
        expect(restored.hardState.term).toBe(term);
        expect(restored.last).toEqual({ index: 1, term });
      });

      test("entries of every type, byte for byte, empty data too", async () => {
        const all = [
          membershipEntry(1, 1, membershipOf("n1")),
          { index: 2, term: 1, type: EntryType.noOp, data: new Uint8Array() },
          {
            index: 3,
            term: 2,
            type: EntryType.application,
            data: Uint8Array.from({ length: 256 }, (_, i) => i),
          },
        ];
        await storage.write(batch({ hardState: hardState(2), entries: all }));
        expect(plain(await storage.readEntries(1, 3, 10_000))).toEqual(plain(all));
        const { restored } = await reopen();
        expect(plain(restored.tail)).toEqual(plain(all));
        expect(plain(await storage.readEntries(1, 3, 10_000))).toEqual(plain(all));
        expect(restored.terms).toEqual([
          { first: 1, term: 1 },
          { first: 3, term: 2 },
        ]);
        expect(restored.last).toEqual({ index: 3, term: 2 });
      });

      test("applied index and effects, a later effect of the same key winning", async () => {
        await storage.write(
          batch({
            hardState: hardState(1),
            entries: entries(1, 1, 1),
            effects: [effect("a", "1"), effect("b", "1"), effect("a", "2"), effect("b", null)],
            applied: 2,
          }),
        );
        await reopen();
        expect(storage.restored.applied).toBe(2);
        expect(text(storage.get(bytes("a")))).toBe("2");
        expect(storage.get(bytes("b"))).toBeUndefined();
      });

      test("an empty key, an empty value and keys of any bytes", async () => {
        const keys = [new Uint8Array(), Uint8Array.of(0), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff)];
        const effects = keys.map((key) => ({ key, value: new Uint8Array() }));
        await storage.write(batch({ hardState: hardState(1), entries: entries(1, 1), effects, applied: 1 }));
        await reopen();
        for (const key of keys) expect(storage.get(key)).toHaveLength(0);
        const snapshot = storage.snapshot();
        expect((await snapshot.scan({})).map(([key]) => Buffer.from(key).toString("hex"))).toEqual([
          "",
          "00",
          "ffffffffff",
        ]);
        await snapshot.close();
      });
    });

    describe("entries replace the log from their index on", () => {
      beforeEach(async () => {
        await storage.write(batch({ hardState: hardState(3), entries: entries(1, 1, 1, 2, 2, 2) }));
      });

      test("a shorter log after the write is intended", async () => {
        await storage.write(batch({ entries: entries(3, 3) }));
        expect(ids(await storage.readEntries(1, 3, 10_000))).toEqual(["1@1", "2@1", "3@3"]);
        expect((await reopen()).restored.last).toEqual({ index: 3, term: 3 });
        await expect(storage.readEntries(3, 4, 10_000)).rejects.toThrow(/3…4 wanted/);
      });

      test("the whole log can go", async () => {
        await storage.write(batch({ entries: entries(1, 3) }));
        expect(ids((await reopen()).restored.tail)).toEqual(["1@3"]);
      });

      test("a longer log, then truncated again, then grown again", async () => {
        await storage.write(batch({ entries: entries(5, 3, 3, 3, 3) }));
        await storage.write(batch({ entries: entries(2, 3) }));
        await storage.write(batch({ entries: entries(3, 3, 3) }));
        expect(ids((await reopen()).restored.tail)).toEqual(["1@1", "2@3", "3@3", "4@3"]);
      });

      test("a batch without entries leaves the log alone", async () => {
        await storage.write(batch({ hardState: hardState(4, 5, "n1") }));
        expect((await reopen()).restored.last).toEqual({ index: 5, term: 2 });
      });
    });

    describe("compaction", () => {
      beforeEach(async () => {
        await storage.write(
          batch({ hardState: hardState(2), entries: entries(1, 1, 1, 1, 2, 2, 2), applied: 5 }),
        );
      });

      test("cuts the log's beginning and remembers the entry before", async () => {
        await storage.write(batch({ compactTo: 4 }));
        await expect(storage.readEntries(4, 5, 10_000)).rejects.toThrow(/the log holds 5…6/);
        const { restored } = await reopen();
        expect(restored.compacted).toEqual({ index: 4, term: 2 });
        expect(restored.terms).toEqual([{ first: 5, term: 2 }]);
        expect(ids(restored.tail)).toEqual(["5@2", "6@2"]);
        expect(ids(await storage.readEntries(5, 6, 10_000))).toEqual(["5@2", "6@2"]);
      });

      test("of the whole log leaves the next index where it was", async () => {
        await storage.write(batch({ applied: 6, compactTo: 6 }));
        const { restored } = await reopen();
        expect(restored.compacted).toEqual({ index: 6, term: 2 });
        expect(restored.last).toEqual({ index: 6, term: 2 });
        expect(restored.tail).toEqual([]);
        await storage.write(batch({ entries: entries(7, 2, 2) }));
        expect(ids((await reopen()).restored.tail)).toEqual(["7@2", "8@2"]);
      });

      test("of entries that the same batch brings and applies", async () => {
        await storage.write(batch({ entries: entries(7, 2, 2), applied: 7, compactTo: 7 }));
        const { restored } = await reopen();
        expect(restored.compacted).toEqual({ index: 7, term: 2 });
        expect(ids(restored.tail)).toEqual(["8@2"]);
      });

      test("up to less than before does nothing", async () => {
        await storage.write(batch({ compactTo: 4 }));
        await storage.write(batch({ compactTo: 2 }));
        expect((await reopen()).restored.compacted).toEqual({ index: 4, term: 2 });
      });

      test("and truncation right behind it in one batch", async () => {
        await storage.write(batch({ hardState: hardState(3), entries: entries(6, 3), compactTo: 5 }));
        const { restored } = await reopen();
        expect(restored.compacted).toEqual({ index: 5, term: 2 });
        expect(ids(restored.tail)).toEqual(["6@3"]);
      });

      test("of very many entries is complete after reopening", async () => {
        const many = entries(7, ...new Array<number>(10_000).fill(2));
        await storage.write(batch({ entries: many }));
        await storage.write(batch({ applied: 10_000, compactTo: 10_000 }));
        await reopen();
        await storage.write(batch({ applied: 10_005, compactTo: 10_005 }));
        await storage.write(batch({ entries: entries(10_007, 2) }));
        expect(ids((await reopen()).restored.tail)).toEqual(["10006@2", "10007@2"]);
      });
    });

    describe("membership is the log's latest", () => {
      const one = membershipOf("n1");
      const three = membershipOf("n1", "n2", "n3");
      const four = membershipOf("n1", "n2", "n3", "n4");

      test("committed or not", async () => {
        await storage.write(batch({ hardState: hardState(1), entries: [membershipEntry(1, 1, one)] }));
        await storage.write(batch({ entries: [...entries(2, 1), membershipEntry(3, 1, three)] }));
        expect((await reopen()).restored.membership).toEqual({ index: 3, membership: three });
      });

      test("truncating a membership entry restores the one before", async () => {
        const log = [membershipEntry(1, 1, one), membershipEntry(2, 1, three), membershipEntry(3, 1, four)];
        await storage.write(batch({ hardState: hardState(2), entries: log }));
        await storage.write(batch({ entries: entries(3, 2) }));
        expect((await reopen()).restored.membership).toEqual({ index: 2, membership: three });
        await storage.write(batch({ entries: entries(2, 2) }));
        expect((await reopen()).restored.membership).toEqual({ index: 1, membership: one });
        await storage.write(batch({ entries: entries(1, 2) }));
        expect((await reopen()).restored.membership).toBeNull();
      });

      test("another membership at the same index wins", async () => {
        await storage.write(batch({ hardState: hardState(2), entries: [membershipEntry(1, 1, three)] }));
        await storage.write(batch({ entries: [membershipEntry(1, 2, four)] }));
        expect((await reopen()).restored.membership).toEqual({ index: 1, membership: four });
      });

      test("outlives its entry when the log is compacted beyond it", async () => {
        const log = [membershipEntry(1, 1, one), membershipEntry(2, 1, three), ...entries(3, 1, 1)];
        await storage.write(batch({ hardState: hardState(2), entries: log, applied: 3 }));
        await storage.write(batch({ compactTo: 3 }));
        expect((await reopen()).restored.membership).toEqual({ index: 2, membership: three });
        await storage.write(batch({ entries: [membershipEntry(4, 2, four)] }));
        expect((await reopen()).restored.membership).toEqual({ index: 4, membership: four });
        await storage.write(batch({ entries: entries(4, 2) }));
        expect((await reopen()).restored.membership).toEqual({ index: 2, membership: three });
      });
    });

    describe("tail and terms of a long log", () => {
      const data = new Uint8Array(1000);

      beforeEach(async () => {
        const log = Array.from({ length: 100 }, (_, i) => ({
          index: i + 1,
          term: Math.floor(i / 40) + 1,
          type: EntryType.application,
          data,
        }));
        await storage.write(batch({ hardState: hardState(3), entries: log, applied: 10, compactTo: 10 }));
      });

      test("the tail is the newest entries within the bound, terms are complete", async () => {
        const { restored } = await reopen({ maxTailBytes: 20_000 });
        const first = restored.tail[0]?.index ?? 0;
        expect(first).toBeGreaterThanOrEqual(81);
        expect(first).toBeLessThan(90);
        expect(restored.tail.map((entry) => entry.index)).toEqual(
          Array.from({ length: 101 - first }, (_, i) => first + i),
        );
        expect(restored.terms).toEqual([
          { first: 11, term: 1 },
          { first: 41, term: 2 },
          { first: 81, term: 3 },
        ]);
      });

      test("the tail holds the last entry even when that alone is too large", async () => {
        expect(ids((await reopen({ maxTailBytes: 1 })).restored.tail)).toEqual(["100@3"]);
      });

      test("readEntries stops after maxBytes of payload, at least one entry", async () => {
        expect(ids(await storage.readEntries(50, 60, 3000))).toEqual(["50@2", "51@2", "52@2"]);
        expect(ids(await storage.readEntries(50, 60, 2999))).toEqual(["50@2", "51@2"]);
        expect(ids(await storage.readEntries(50, 60, 0))).toEqual(["50@2"]);
        expect(await storage.readEntries(11, 100, 1_000_000)).toHaveLength(90);
      });
    });

    describe("a batch is atomic and exactly one is under way", () => {
      const next = batch({
        hardState: hardState(1),
        entries: entries(1, 1),
        effects: [effect("a", "1")],
        applied: 1,
      });

      test("nothing of it shows before it resolves", async () => {
        const writing = storage.write(next);
        expect(storage.get(bytes("a"))).toBeUndefined();
        const reading = storage.readEntries(1, 1, 100);
        const snapshot = storage.snapshot();
        await expect(reading).rejects.toThrow(/1…1 wanted/);
        await writing;
        expect(text(storage.get(bytes("a")))).toBe("1");
        expect(await scanned(snapshot)).toEqual([]);
        await snapshot.close();
      });

      test("nothing of it shows even when the disk has it and only the promise is still to come", async () => {
        const writing = storage.write(next);
        // Holds this thread, so that the disk is done long before the promise can resolve.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
        expect(storage.get(bytes("a"))).toBeUndefined();
        const snapshot = storage.snapshot();
        await writing;
        expect(await scanned(snapshot)).toEqual([]);
        await snapshot.close();
      });

      test("a second write while one runs throws, and the first is unharmed", async () => {
        const writing = storage.write(next);
        expect(() => storage.write(batch({}))).toThrow(/a second write while one is under way/);
        await writing;
        await storage.write(batch({ entries: entries(2, 1) }));
        expect((await reopen()).restored.last.index).toBe(2);
      });

      test("close waits for a running write", async () => {
        let resolved = false;
        const writing = storage.write(next).then(() => {
          resolved = true;
        });
        await storage.close();
        expect(resolved).toBe(true);
        await writing;
        expect((await reopen()).restored.applied).toBe(1);
      });

      test("after close nothing goes any more", async () => {
        await storage.close();
        await storage.close();
        expect(() => storage.write(next)).toThrow(/write after close/);
        expect(() => storage.get(bytes("a"))).toThrow(/read after close/);
        expect(() => storage.snapshot()).toThrow(/read after close/);
        await expect(storage.readEntries(1, 1, 1)).rejects.toThrow(/read after close/);
      });

      test("what the caller does to its buffers afterwards does not reach the disk", async () => {
        const key = bytes("key");
        const value = bytes("value");
        const effects = [{ key, value }];
        const writing = storage.write(batch({ ...next, effects }));
        key.fill(0);
        value.fill(0);
        effects.length = 0;
        await writing;
        expect(text(storage.get(bytes("key")))).toBe("value");
      });
    });

    describe("a batch that would contradict the disk is refused as a bug, and nothing is written", () => {
      beforeEach(async () => {
        await storage.write(
          batch({ hardState: hardState(3, 2), entries: entries(1, 1, 2, 2, 3), applied: 2, compactTo: 1 }),
        );
      });

      test.each([
        ["a gap behind the log", { entries: entries(6, 3) }, /entry 6 neither follows nor replaces/],
        ["a gap inside", { entries: [...entries(5, 3), ...entries(7, 3)] }, /entry 7 follows entry 5/],
        ["compacted entries", { entries: entries(1, 3) }, /neither follows nor replaces/],
        ["applied entries", { entries: entries(2, 3) }, /would replace an applied entry/],
        ["a falling term", { entries: entries(5, 2) }, /has term 2 after term 3/],
        ["a falling term behind a truncation", { entries: entries(4, 1) }, /has term 1 after term 2/],
        ["an entry's term above the hard state's", { entries: entries(5, 4) }, /the hard state only 3/],
        ["a falling hard state term", { hardState: hardState(2) }, /falls from 3 to 2/],
        ["commit beyond the log", { hardState: hardState(3, 5) }, /commit 5 is beyond the last entry 4/],
        [
          "truncation below commit",
          { entries: entries(3, 3), hardState: hardState(3, 4) },
          /commit 4 is beyond/,
        ],
        ["applied beyond the log", { applied: 5 }, /applied 5 is beyond the last entry 4/],
        ["applied falling", { applied: 1 }, /applied falls from 2 to 1/],
        ["effects without applied", { effects: [effect("a", "1")] }, /effects without the applied index/],
        ["compaction beyond applied", { compactTo: 3 }, /compactTo 3 is beyond the durable applied index 2/],
        ["an index that is no integer", { applied: 2.5 }, /not a safe integer/],
      ])("%s", async (_, parts, message) => {
        const before = ids(await storage.readEntries(2, 4, 10_000));
        expect(() => storage.write(batch(parts))).toThrow(message);
        expect(ids(await storage.readEntries(2, 4, 10_000))).toEqual(before);
        await storage.write(batch({ applied: 3 }));
        expect(ids((await reopen()).restored.tail)).toEqual(before);
      });
    });
  });
}
