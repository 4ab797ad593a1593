import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Level } from "level";
import { afterEach, expect, it } from "vitest";
import { DamagedStorage } from "./errors.js";
import { scrubRound } from "./table-scrub.js";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A running database with a table file for every run. */
async function databaseOf(
  runs: number,
): Promise<{ folder: string; database: Level; compact(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "quorate-scrub-"));
  folders.push(folder);
  const database = new Level(folder, { compression: false });
  await database.open();
  // Of LevelDB alone, and so not part of the type.
  const levelDb = database as unknown as { compactRange(start: string, end: string): Promise<void> };
  const compact = () => levelDb.compactRange("", "~");
  for (let run = 0; run < runs; run++) {
    for (let i = 0; i < 100; i++) await database.put(`${run} ${i}`, "x".repeat(1_000));
    await compact();
  }
  return { folder, database, compact };
}

const tablesIn = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".ldb"));
const goOn = async () => true;

it("reads every table file, and ends where it is told to", async () => {
  const { folder, database } = await databaseOf(1);
  expect(await scrubRound(folder, goOn)).toBe(tablesIn(folder).length);
  expect(await scrubRound(folder, async () => false)).toBe(0);
  await database.close();
});

it("finds a rotten index block, which hides keys from a database that runs", async () => {
  const { folder, database } = await databaseOf(1);
  const [name = ""] = tablesIn(folder);
  const path = join(folder, name);
  const content = readFileSync(path);
  // The index is the last block before the footer of 48 bytes; its end holds restart points.
  const at = content.length - 48 - 5 - 8;
  content[at] = (content[at] ?? 0) ^ 1;
  writeFileSync(path, content);
  await expect(scrubRound(folder, goOn)).rejects.toThrow(DamagedStorage);
  await expect(scrubRound(folder, goOn)).rejects.toThrow(`${name}, offset`);
  await database.close();
});

it("takes a file that a compaction deletes meanwhile for none of the database", async () => {
  const { folder, database, compact } = await databaseOf(1);
  const before = tablesIn(folder);
  let compacted = false;
  const meanwhile = async () => {
    if (compacted) return true;
    compacted = true;
    for (let i = 0; i < 100; i++) await database.put(`0 ${i}`, "y".repeat(1_000));
    await compact();
    return true;
  };
  expect(await scrubRound(folder, meanwhile)).toBe(0);
  expect(tablesIn(folder)).not.toEqual(before);
  expect(await scrubRound(folder, goOn)).toBe(tablesIn(folder).length);
  await database.close();
});

it("looks again before it calls damage what the database may just be writing", async () => {
  const { folder, database } = await databaseOf(1);
  const manifest = join(folder, readFileSync(join(folder, "CURRENT"), "latin1").trim());
  const whole = readFileSync(manifest);
  // A page of the file that has not got its bytes yet.
  const half = () => writeFileSync(manifest, Buffer.from(whole).fill(0, 20, 40));
  half();
  const written = async () => {
    writeFileSync(manifest, whole);
    return true;
  };
  expect(await scrubRound(folder, written)).toBe(tablesIn(folder).length);
  half();
  await expect(scrubRound(folder, goOn)).rejects.toThrow(DamagedStorage);
  writeFileSync(manifest, whole);
  await database.close();
});
