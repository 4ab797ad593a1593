/** What the disk in memory adds to the contract: its owner decides when a write is durable, fails, or is lost. */
import { StorageFailed, StorageInUse } from "@quorate/raft/level";
import { MemoryDisk, type PendingWrite } from "@quorate/raft/memory";
import { describe, expect, test } from "vitest";
import { batch, bytes, effect, entries, hardState, text } from "./storage-harness.js";

const first = batch({
  hardState: hardState(1),
  entries: entries(1, 1),
  effects: [effect("a", "1")],
  applied: 1,
});

/** A disk whose writes wait in `writes` until a test settles them. */
function heldDisk() {
  const disk = new MemoryDisk("disk of n1");
  const writes: PendingWrite[] = [];
  const open = () => disk.open({ onWrite: (write) => writes.push(write) });
  const oldest = (): PendingWrite => {
    const write = writes.shift();
    if (write === undefined) throw new Error("no write waits");
    return write;
  };
  return { disk, open, oldest };
}

/** Whether `promise` has settled once all that is due now has run. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const note = () => {
    done = true;
  };
  promise.then(note, note);
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

describe("a write is durable when its owner says so", () => {
  test("not before", async () => {
    const { disk, open, oldest } = heldDisk();
    const storage = open();
    const writing = storage.write(first);
    expect(await settled(writing)).toBe(false);
    expect(storage.get(bytes("a"))).toBeUndefined();
    expect(() => storage.write(batch({}))).toThrow(/a second write/);
    const write = oldest();
    expect(write.batch).toEqual(first);
    write.complete();
    await writing;
    expect(text(storage.get(bytes("a")))).toBe("1");
    disk.crash();
    expect(open().restored.last.index).toBe(1);
  });

  test("close waits for it", async () => {
    const { open, oldest } = heldDisk();
    const storage = open();
    const writing = storage.write(first);
    const closing = storage.close();
    expect(await settled(closing)).toBe(false);
    oldest().complete();
    await Promise.all([writing, closing]);
  });

  test("settling twice is a bug of the owner", async () => {
    const { open, oldest } = heldDisk();
    const writing = open().write(first);
    const write = oldest();
    write.complete();
    await writing;
    expect(() => write.complete()).toThrow(/settled twice/);
    expect(() => write.fail(new Error("late"))).toThrow(/settled twice/);
  });
});

describe("a failed write", () => {
  test.each([
    ["is gone after a restart", false, 0],
    ["may have reached the disk", true, 1],
  ])("is final, and %s", async (_, reached, last) => {
    const { disk, open, oldest } = heldDisk();
    const storage = open();
    const writing = storage.write(first);
    oldest().fail(new Error("no space left"), reached);
    await expect(writing).rejects.toThrow(StorageFailed);
    await expect(writing).rejects.toThrow(/write a batch in disk of n1: no space left/);
    await expect(storage.write(batch({}))).rejects.toThrow(/no space left/);
    disk.crash();
    expect(open().restored.last.index).toBe(last);
  });
});

describe("a crash", () => {
  test.each([
    ["lost", 0],
    ["reached", 1],
  ] as const)("with a write under way that is %s keeps all of it or nothing", async (inFlight, last) => {
    const { disk, open, oldest } = heldDisk();
    const storage = open();
    const writing = storage.write(first);
    disk.crash({ inFlight });
    const again = open();
    expect(again.restored.last.index).toBe(last);
    expect(again.restored.applied).toBe(last);
    expect(text(again.get(bytes("a")))).toBe(last === 1 ? "1" : undefined);
    // The dead process hears nothing any more, and what its disk was about to do has no effect.
    oldest().complete();
    expect(await settled(writing)).toBe(false);
    expect(again.restored.last.index).toBe(last);
    expect(() => storage.write(first)).toThrow(/write after close/);
    await storage.close();
    await again.close();
  });

  test("keeps the identity", async () => {
    const { disk } = heldDisk();
    const identity = {
      format: 2,
      clusterName: "c",
      nodeId: "n1",
      incarnation: "i",
      clusterId: null,
      born: false,
      retired: null,
    } as const;
    await disk.identity().write(identity);
    disk.crash();
    expect(disk.identity().read()).toEqual(identity);
  });
});

test("one disk is used by one storage at a time", async () => {
  const disk = new MemoryDisk("disk of n1");
  const storage = disk.open();
  expect(() => disk.open()).toThrow(StorageInUse);
  expect(() => disk.open()).toThrow(/another process uses disk of n1/);
  await storage.close();
  await disk.open().close();
});
