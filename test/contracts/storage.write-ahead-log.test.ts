/**
 * LevelDB's write-ahead log, cut and rotten at many places. LevelDB alone opens nearly all of these without
 * a word. Ours may do two things only: refuse, or open with a prefix of the batches; and a prefix only where
 * nothing that is missing was noted in the anchor.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DamagedStorage, openLevelStorage } from "@quorate/raft/level";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { batch, bytes, effect, entries, hardState, temporaryDirectory, text } from "./storage-harness.js";

/** Batches in the log: some fill several blocks of 32 KiB, some share one; every third brings effects only. */
const count = 30;
const sizes = [10, 4000, 20, 70_000, 3000];

let directory: string;
let copy: string;
let dispose: () => Promise<void>;
/** What the log file holds, and where it is. */
let whole: Buffer;
let logName: string;
/** The anchor as it was after a few batches: all that a power loss may leave of it. */
let oldAnchor: Buffer;

beforeEach(async () => {
  const temporary = await temporaryDirectory();
  dispose = temporary.dispose;
  directory = join(temporary.directory, "db");
  copy = join(temporary.directory, "copy");
  const storage = await openLevelStorage({ directory, mustExist: false });
  let index = 0;
  for (let number = 1; number <= count; number++) {
    if (number % 3 !== 0) index++;
    const effects = [
      effect("batch", `${number}`),
      effect("filler", "x".repeat(sizes[number % sizes.length] ?? 0)),
    ];
    const log = number % 3 === 0 ? {} : { hardState: hardState(1), entries: entries(index, 1) };
    await storage.write(batch({ ...log, effects, applied: index }));
    if (number === 3) oldAnchor = await anchorOf(number);
  }
  await storage.close();
  logName = readdirSync(directory).find((name) => name.endsWith(".log")) ?? "";
  whole = readFileSync(join(directory, logName));
  expect(whole.length).toBeGreaterThan(10 * 32 * 1024);
});
afterEach(() => dispose());

/** The anchor as soon as it names this batch: it is written beside the batches. */
function anchorOf(number: number): Promise<Buffer> {
  return vi.waitFor(() => {
    const content = readFileSync(`${directory}.anchor`);
    expect(content.readBigUInt64BE(content.length - 8)).toBe(BigInt(number));
    return content;
  });
}

/** Opens a copy whose log is `content`; the number of the last batch in it, or null when it was refused. */
async function batchesIn(content: Buffer, anchor: "current" | "old"): Promise<number | null> {
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy);
  for (const name of readdirSync(directory)) {
    if (name !== logName) copyFileSync(join(directory, name), join(copy, name));
  }
  writeFileSync(join(copy, logName), content);
  writeFileSync(`${copy}.anchor`, anchor === "old" ? oldAnchor : readFileSync(`${directory}.anchor`));
  try {
    const storage = await openLevelStorage({ directory: copy, mustExist: true });
    const number = Number(text(storage.get(bytes("batch"))) ?? 0);
    const { last, applied } = storage.restored;
    // All parts of a batch are there together, and none before it is missing.
    expect(applied).toBe(last.index);
    expect(last.index).toBe(number - Math.floor(number / 3));
    expect(storage.get(bytes("filler"))).toHaveLength(sizes[number % sizes.length] ?? 0);
    await storage.close();
    return number;
  } catch (error) {
    expect(error).toBeInstanceOf(DamagedStorage);
    return null;
  }
}

function flipped(position: number): Buffer {
  const content = Buffer.from(whole);
  content[position] = (content[position] ?? 0) ^ 4;
  return content;
}

/** Offsets spread over the whole log, denser where records begin and end. */
const offsets = (step: number): number[] =>
  Array.from({ length: Math.floor(whole.length / step) }, (_, i) => i * step + (i % 11));

describe("cut short", () => {
  test("after a power loss: a prefix of the batches", async () => {
    const seen = new Set<number>();
    for (const length of [...offsets(9973), whole.length - 1, whole.length]) {
      const number = await batchesIn(whole.subarray(0, length), "old");
      if (number === null) continue;
      expect(number).toBeGreaterThanOrEqual(3);
      seen.add(number);
    }
    expect(seen.size).toBeGreaterThan(10);
    expect(seen).toContain(count);
  });

  test("with the end filled with zeros, as some file systems leave it: a prefix", async () => {
    const content = Buffer.concat([whole.subarray(0, whole.length - 20), Buffer.alloc(9000)]);
    expect(await batchesIn(content, "old")).toBe(count - 1);
  });

  test("without a power loss: refused, whatever is missing", async () => {
    expect(await batchesIn(whole, "current")).toBe(count);
    for (const length of [whole.length - 1, whole.length - 500, ...offsets(49_999)]) {
      expect(await batchesIn(whole.subarray(0, length), "current")).toBeNull();
    }
  });
});

describe("one flipped bit", () => {
  test("without a power loss: refused, wherever it is", async () => {
    for (const position of [...offsets(9973), whole.length - 1]) {
      expect(await batchesIn(flipped(position), "current"), `bit at ${position}`).toBeNull();
    }
  });

  test("after a power loss: refused, except in the last batch, which nobody can tell from a torn one", async () => {
    for (const position of offsets(9973)) {
      const number = await batchesIn(flipped(position), "old");
      if (number !== null) expect(number, `bit at ${position}`).toBe(count - 1);
    }
    expect(await batchesIn(flipped(whole.length - 1), "old")).toBe(count - 1);
  });

  test("names the file and the place", async () => {
    await batchesIn(flipped(5000), "current");
    await expect(openLevelStorage({ directory: copy, mustExist: true })).rejects.toThrow(
      /\.log, offset \d+: expected a sound record, found a bad checksum or header, and a later batch/,
    );
  });
});

test("a lost block is refused: what is left does not fit together", async () => {
  const block = 32 * 1024;
  const outcomes: (number | null)[] = [];
  for (let start = block; start + 2 * block < whole.length; start += block) {
    const content = Buffer.concat([whole.subarray(0, start), whole.subarray(start + block)]);
    outcomes.push(await batchesIn(content, "old"));
  }
  expect(outcomes.length).toBeGreaterThan(8);
  expect(outcomes).toEqual(outcomes.map(() => null));
});

test("a lost log file is refused even when older tables are there", async () => {
  // Opening moves the log into a table; one more batch makes a new log, which is then lost.
  const storage = await openLevelStorage({ directory, mustExist: true });
  await storage.write(batch({ effects: [effect("batch", "31")], applied: 20 }));
  await storage.close();
  for (const name of readdirSync(directory)) if (name.endsWith(".log")) rmSync(join(directory, name));
  await expect(openLevelStorage({ directory, mustExist: true })).rejects.toThrow(
    /expected all batches up to number 31, which was reported as durable .* found none after number 30/,
  );
});

test("a torn anchor says nothing, and is whole again with the next batch", async () => {
  writeFileSync(`${directory}.anchor`, "torn");
  const storage = await openLevelStorage({ directory, mustExist: true });
  await storage.write(batch({}));
  await storage.close();
  expect(readFileSync(`${directory}.anchor`)).toHaveLength(12);
});
