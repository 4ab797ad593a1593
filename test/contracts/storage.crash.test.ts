/**
 * A real process, killed while it writes: whatever it acknowledged is there afterwards, and every batch is
 * there whole or not at all. (A kill does not lose what the kernel holds; that is what `sync` is for, and
 * what the storage's twin in memory plays through in the simulation.)
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openLevelStorage } from "@quorate/raft/level";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bytes, temporaryDirectory, text } from "./storage-harness.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const built = fileURLToPath(new URL("../../packages/raft/dist/storage/level.js", import.meta.url));
const lifetimes = 6;

let directory: string;
let dispose: () => Promise<void>;
let child: ChildProcess | null = null;

beforeEach(async () => {
  ({ directory, dispose } = await temporaryDirectory());
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await dispose();
});

/** Kills the writer in the middle of its work, after it acknowledged `count` batches; returns the last one's index. */
async function writeAndKill(database: string, mode: "create" | "reopen", count: number): Promise<number> {
  const writer = spawn(process.execPath, [join(here, "crash-writer.mjs"), database, mode], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  child = writer;
  let complaint = "";
  writer.stderr.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => writer.once("close", () => resolve()));
  let last = 0;
  let seen = 0;
  for await (const line of createInterface({ input: writer.stdout })) {
    last = Number(line);
    seen++;
    // Lines that were already on their way still count: they were acknowledged before the kill.
    if (seen === count) writer.kill("SIGKILL");
  }
  await ended;
  expect(writer.signalCode, complaint).toBe("SIGKILL");
  return last;
}

test("a killed process has lost nothing that it acknowledged", async () => {
  expect(existsSync(built), "the raft package is built (npm run build)").toBe(true);
  const database = join(directory, "db");
  for (let life = 0; life < lifetimes; life++) {
    const acknowledged = await writeAndKill(database, life === 0 ? "create" : "reopen", 20 + life * 37);
    const storage = await openLevelStorage({ directory: database, mustExist: true });
    const { last, applied, hardState, compacted } = storage.restored;

    expect(last.index).toBeGreaterThanOrEqual(acknowledged);
    expect(last.index).toBeLessThanOrEqual(acknowledged + 1);
    expect(applied).toBe(last.index);
    expect(hardState).toEqual({ term: last.term, vote: "n1", commit: last.index });
    expect(text(storage.get(bytes("count")))).toBe(`${last.index}`);
    for (let index = 1; index <= last.index; index++) {
      expect(storage.get(bytes(`entry ${index}`))).toEqual(Buffer.alloc(index % 3000, index % 256));
    }
    const entries = await storage.readEntries(compacted.index + 1, last.index, Number.MAX_SAFE_INTEGER);
    expect(entries).toHaveLength(last.index - compacted.index);
    for (const { index, data } of entries) expect(data).toEqual(Buffer.alloc(index % 3000, index % 256));
    await storage.close();
  }
});
