/** What every storage promises to a node that receives and installs another node's snapshot. */
import type { SnapshotChunk, SnapshotCursor, Storage } from "@quorate/raft";
import type { SnapshotHead } from "@quorate/raft/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  batch,
  bytes,
  effect,
  entries,
  hardState,
  membershipEntry,
  membershipOf,
  type StorageHarness,
  scanned,
  text,
} from "./storage-harness.js";

const three = membershipOf("n1", "n2", "n3");
const four = membershipOf("n1", "n2", "n3", "n4");
const snapshot = { from: "n1", last: { index: 20, term: 3 } };
const head: SnapshotHead = { last: snapshot.last, membership: { index: 7, membership: four } };

function chunk(after: SnapshotCursor | null, keys: readonly string[], complete = false): SnapshotChunk {
  const pairs = keys.map((key) => [bytes(key), bytes(key.toUpperCase())] as const);
  return { snapshot, after, pairs, cursor: cursor(keys.at(-1) ?? ""), complete };
}

function cursor(key: string): SnapshotCursor {
  return { key: bytes(key), check: key.charCodeAt(0) };
}

export function installContract(name: string, makeHarness: () => Promise<StorageHarness>): void {
  describe(`install contract: ${name}`, () => {
    let harness: StorageHarness;
    let storage: Storage;

    beforeEach(async () => {
      harness = await makeHarness();
      storage = await harness.open();
      const birth = membershipEntry(1, 1, three);
      await storage.write(batch({ hardState: hardState(1), entries: [birth, ...entries(2, 1, 1, 1)] }));
      await storage.write(batch({ effects: [effect("old", "1"), effect("x", "old")], applied: 3 }));
    });

    afterEach(async () => {
      await storage.close();
      await harness.dispose();
    });

    async function reopen(): Promise<void> {
      await storage.close();
      storage = await harness.open();
    }

    async function state(): Promise<string[]> {
      const pinned = storage.snapshot();
      try {
        return await scanned(pinned);
      } finally {
        await pinned.close();
      }
    }

    async function receiveAll(): Promise<void> {
      await storage.write(batch({ chunk: chunk(null, ["a", "b"]) }));
      await storage.write(batch({ chunk: chunk(cursor("b"), ["c", "x"], true) }));
    }

    const installed = () => batch({ hardState: hardState(3), install: head });

    test("what is received does not show, and neither log nor state change", async () => {
      await receiveAll();
      expect(await state()).toEqual(["old=1", "x=old"]);
      expect(text(storage.get(bytes("a")))).toBeUndefined();
      await storage.write(batch({ hardState: hardState(2), entries: entries(5, 2), applied: 4 }));
      await reopen();
      expect(storage.restored).toMatchObject({ applied: 4, last: { index: 5, term: 2 } });
      expect(await state()).toEqual(["old=1", "x=old"]);
    });

    test("how far it was received survives, and is gone on from", async () => {
      expect(storage.incoming).toBeNull();
      await storage.write(batch({ chunk: chunk(null, ["a", "b"]) }));
      await reopen();
      expect(storage.incoming).toMatchObject({ snapshot, complete: false });
      expect(storage.incoming?.cursor.check).toBe(cursor("b").check);
      expect(text(storage.incoming?.cursor.key)).toBe("b");
      await storage.write(batch({ chunk: chunk(cursor("b"), ["c"], true) }));
      await reopen();
      await storage.write(installed());
      expect(await state()).toEqual(["a=A", "b=B", "c=C"]);
    });

    test("installing switches log, state, applied index and membership at once, and for good", async () => {
      await receiveAll();
      await storage.write(installed());
      const expectations = async () => {
        expect(await state()).toEqual(["a=A", "b=B", "c=C", "x=X"]);
        expect(text(storage.get(bytes("old")))).toBeUndefined();
        expect(storage.incoming).toBeNull();
      };
      await expectations();
      await reopen();
      await expectations();
      expect(storage.restored).toMatchObject({
        hardState: { term: 3 },
        compacted: { index: 20, term: 3 },
        last: { index: 20, term: 3 },
        terms: [],
        tail: [],
        applied: 20,
        membership: { index: 7, membership: four },
      });
    });

    test("the log goes on behind the snapshot, also after a restart", async () => {
      await receiveAll();
      await storage.write(installed());
      await storage.write(batch({ entries: entries(21, 3, 3), effects: [effect("a", "2")], applied: 21 }));
      await reopen();
      expect(storage.restored).toMatchObject({ last: { index: 22, term: 3 }, applied: 21 });
      expect((await storage.readEntries(21, 22, 1000)).map(({ index }) => index)).toEqual([21, 22]);
      await expect(storage.readEntries(4, 4, 1000)).rejects.toThrow(/wanted, the log holds/);
      expect(await state()).toEqual(["a=2", "b=B", "c=C", "x=X"]);
    });

    test("a reader keeps the moment that it was pinned to", async () => {
      const before = storage.snapshot();
      await receiveAll();
      await storage.write(installed());
      expect(await scanned(before)).toEqual(["old=1", "x=old"]);
      expect(await before.head()).toMatchObject({ last: { index: 3, term: 1 } });
      await before.close();
    });

    test("a snapshot says what it is of: applied index, its term, the membership of then", async () => {
      await storage.write(batch({ hardState: hardState(2), entries: [membershipEntry(5, 2, four)] }));
      const early = storage.snapshot();
      expect(await early.head()).toEqual({
        last: { index: 3, term: 1 },
        membership: { index: 1, membership: three },
      });
      await storage.write(batch({ applied: 5 }));
      await storage.write(batch({ compactTo: 5 }));
      const late = storage.snapshot();
      expect(await late.head()).toEqual({
        last: { index: 5, term: 2 },
        membership: { index: 5, membership: four },
      });
      expect(await early.head()).toMatchObject({ last: { index: 3 } });
      await early.close();
      await late.close();
    });

    test("the state is read out in parts, complete and in order", async () => {
      const effects = Array.from({ length: 300 }, (_, i) => effect(`k${1000 + i}`, "v".repeat(i)));
      await storage.write(batch({ effects, applied: 4 }));
      const pinned = storage.snapshot();
      const keys: (string | undefined)[] = [];
      for (let after: Uint8Array | null = null; ; ) {
        const pairs = await pinned.read(after, 1000);
        if (pairs.length === 0) break;
        keys.push(...pairs.map(([key]) => text(key)));
        after = pairs.at(-1)?.[0] ?? null;
      }
      expect(keys).toEqual([...effects.map(({ key }) => text(key)), "old", "x"]);
      expect(await pinned.read(null, 0)).toHaveLength(1);
      await pinned.close();
    });

    test("beginning anew forgets what was received before", async () => {
      await storage.write(batch({ chunk: chunk(null, ["a", "q"]) }));
      const other = { ...chunk(null, ["b"], true), snapshot: { from: "n3", last: { index: 30, term: 3 } } };
      await storage.write(batch({ chunk: other }));
      await storage.write(
        batch({ hardState: hardState(3), install: { ...head, last: { index: 30, term: 3 } } }),
      );
      expect(await state()).toEqual(["b=B"]);
    });

    test("what is received is dropped when the state has passed it", async () => {
      await storage.write(batch({ chunk: chunk(null, ["a"]) }));
      const log = entries(5, ...Array.from({ length: 16 }, () => 3));
      await storage.write(batch({ hardState: hardState(3), entries: log, applied: 20 }));
      expect(storage.incoming).toBeNull();
      await reopen();
      expect(storage.incoming).toBeNull();
    });

    test("a part that comes when the state has passed it is ignored", async () => {
      await storage.write(batch({ chunk: chunk(null, ["a"]) }));
      const log = entries(5, ...Array.from({ length: 16 }, () => 3));
      await storage.write(batch({ hardState: hardState(3), entries: log, applied: 20 }));
      await storage.write(batch({ chunk: chunk(cursor("a"), ["b"]) }));
      expect(storage.incoming).toBeNull();
      await storage.write(batch({ chunk: chunk(null, ["a", "b"], true) }));
      expect(storage.incoming).toBeNull();
      expect(await state()).toEqual(["old=1", "x=old"]);
    });

    test("leftovers are swept, batch by batch, and the sweep goes on after a restart", async () => {
      const effects = Array.from({ length: 10_000 }, (_, i) => effect(`left ${100_000 + i}`, "over"));
      await storage.write(batch({ effects, applied: 4 }));
      await receiveAll();
      await storage.write(installed());
      for (let writes = 0; storage.sweepDue; writes++) {
        if (writes % 2 === 1) await reopen();
        await storage.write(batch({}));
        expect(writes).toBeLessThan(20);
      }
      await reopen();
      expect(storage.sweepDue).toBe(false);
      expect(await state()).toEqual(["a=A", "b=B", "c=C", "x=X"]);
    });

    test("refuses what would contradict the disk", async () => {
      const refused = async (parts: Parameters<typeof batch>[0], message: RegExp) =>
        expect(() => storage.write(batch(parts))).toThrow(message);
      await refused({ chunk: chunk(cursor("b"), ["c"]) }, /does not continue/);
      await refused({ hardState: hardState(3), install: head }, /not received completely/);
      await storage.write(batch({ chunk: chunk(null, ["a"]) }));
      await refused({ chunk: chunk(cursor("b"), ["c"]) }, /does not continue/);
      await refused({ chunk: chunk(cursor("a"), ["c", "b"]) }, /must ascend/);
      await refused({ hardState: hardState(3), install: head }, /not received completely/);
      await storage.write(batch({ chunk: chunk(cursor("a"), ["b"], true) }));
      await refused({ install: head }, /has term 3, the hard state only 1/);
      await refused({ hardState: hardState(3), install: head, applied: 4 }, /together with something else/);
      await refused({ hardState: hardState(3, 21), install: head }, /commit 21 is beyond/);
      const log = entries(5, ...Array.from({ length: 16 }, () => 3));
      await storage.write(batch({ hardState: hardState(3), entries: log }));
      expect(storage.incoming).not.toBeNull();
    });
  });
}
