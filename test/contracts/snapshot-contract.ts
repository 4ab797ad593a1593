/** What every `StorageSnapshot` promises, and the ranges that it scans. */
import type { KeyRange, Storage } from "@quorate/raft";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  batch,
  bytes,
  effect,
  entries,
  hardState,
  type StorageHarness,
  scanned,
  text,
} from "./storage-harness.js";

export function snapshotContract(name: string, makeHarness: () => Promise<StorageHarness>): void {
  describe(`snapshot contract: ${name}`, () => {
    let harness: StorageHarness;
    let storage: Storage;

    beforeEach(async () => {
      harness = await makeHarness();
      storage = await harness.open();
      const effects = ["a", "b", "bb", "c", "d"].map((key) => effect(key, key.toUpperCase()));
      await storage.write(
        batch({ hardState: hardState(1), entries: entries(1, 1, 1, 1), effects, applied: 1 }),
      );
    });

    afterEach(async () => {
      await storage.close();
      await harness.dispose();
    });

    test("are pinned: later writes do not show, in get and in scan", async () => {
      const snapshot = storage.snapshot();
      await storage.write(
        batch({ effects: [effect("a", "new"), effect("b", null), effect("e", "E")], applied: 2 }),
      );
      expect(text(snapshot.get(bytes("a")))).toBe("A");
      expect(await scanned(snapshot)).toEqual(["a=A", "b=B", "bb=BB", "c=C", "d=D"]);
      await snapshot.close();
      const later = storage.snapshot();
      expect(await scanned(later)).toEqual(["a=new", "bb=BB", "c=C", "d=D", "e=E"]);
      await later.close();
    });

    test.each<[string, KeyRange, string[]]>([
      ["everything", {}, ["a", "b", "bb", "c", "d"]],
      ["gte", { gte: bytes("b") }, ["b", "bb", "c", "d"]],
      ["gt", { gt: bytes("b") }, ["bb", "c", "d"]],
      ["lte", { lte: bytes("bb") }, ["a", "b", "bb"]],
      ["lt", { lt: bytes("bb") }, ["a", "b"]],
      ["both bounds", { gt: bytes("a"), lt: bytes("c") }, ["b", "bb"]],
      ["a bound inside a key", { gte: bytes("ba"), lte: bytes("cc") }, ["bb", "c"]],
      ["nothing between", { gt: bytes("b"), lt: bytes("bb") }, []],
      ["bounds the wrong way round", { gte: bytes("c"), lt: bytes("b") }, []],
      ["reverse", { reverse: true }, ["d", "c", "bb", "b", "a"]],
      ["limit", { limit: 2 }, ["a", "b"]],
      ["limit 0", { limit: 0 }, []],
      ["reverse limit within bounds", { reverse: true, limit: 2, lt: bytes("d") }, ["c", "bb"]],
    ])("scan %s", async (_, range, expected) => {
      const snapshot = storage.snapshot();
      expect(await scanned(snapshot, range)).toEqual(expected.map((key) => `${key}=${key.toUpperCase()}`));
      await snapshot.close();
    });

    test("a range that makes no sense is refused as a bug", async () => {
      const snapshot = storage.snapshot();
      await expect(snapshot.scan({ gt: bytes("a"), gte: bytes("a") })).rejects.toThrow(/give one of them/);
      await expect(snapshot.scan({ limit: -1 })).rejects.toThrow(/limit is -1/);
      await expect(snapshot.scan({ limit: 1.5 })).rejects.toThrow(/limit is 1.5/);
      await snapshot.close();
    });

    test("see state only: neither log nor hard state lie in any range", async () => {
      const snapshot = storage.snapshot();
      expect(await snapshot.scan({ gte: new Uint8Array(), lte: new Uint8Array(20).fill(0xff) })).toHaveLength(
        5,
      );
      await snapshot.close();
    });

    test("left open do not keep the storage from closing, and may be closed after it", async () => {
      const snapshot = storage.snapshot();
      await storage.close();
      await snapshot.close();
      storage = await harness.open();
      expect(storage.restored.applied).toBe(1);
    });

    test("may be closed twice, and not be read afterwards", async () => {
      const snapshot = storage.snapshot();
      const running = snapshot.scan({});
      await snapshot.close();
      expect(await running).toHaveLength(5);
      await snapshot.close();
      expect(() => snapshot.get(bytes("a"))).toThrow(/closed/);
      await expect(snapshot.scan({})).rejects.toThrow(/closed/);
    });

    test("of more pairs than one trip brings are complete and in order", async () => {
      const keys = Array.from({ length: 10_000 }, (_, i) => `key ${String(i).padStart(6, "0")}`);
      const effects = keys.map((key) => effect(key, "x".repeat(200)));
      await storage.write(batch({ effects, applied: 2 }));
      const snapshot = storage.snapshot();
      const pairs = await snapshot.scan({ gte: bytes("key ") });
      expect(pairs.map(([key]) => text(key))).toEqual(keys);
      await snapshot.close();
    });
  });
}
