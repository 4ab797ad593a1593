/**
 * LevelDB's table files, its manifest and CURRENT with one byte changed, cut, or gone. LevelDB alone opens most of
 * these, with keys missing. Ours refuses every one: no byte is without a checksum or one possible value.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DamagedStorage, openLevelStorage, StorageInUse } from "@quorate/raft/level";
import { afterAll, beforeAll, expect, test } from "vitest";
import { editDatabase } from "./level-editor.js";
import { batch, bytes, effect, entries, hardState, temporaryDirectory, text } from "./storage-harness.js";

let directory: string;
let copy: string;
let dispose: () => Promise<void>;
const files = new Map<string, Buffer>();

beforeAll(async () => {
  const temporary = await temporaryDirectory();
  dispose = temporary.dispose;
  directory = join(temporary.directory, "db");
  copy = join(temporary.directory, "copy");
  const storage = await openLevelStorage({ directory, mustExist: false });
  for (let index = 1; index <= 40; index++) {
    const effects = Array.from({ length: 8 }, (_, i) => effect(`key ${index} ${i}`, `${"v".repeat(i * 90)}`));
    await storage.write(
      batch({ hardState: hardState(1), entries: entries(index, 1), effects, applied: index }),
    );
  }
  await storage.close();
  await editDatabase(directory, (editor) => editor.compactRange(Buffer.from([0]), Buffer.from([0xff])));
  for (const name of readdirSync(directory)) files.set(name, readFileSync(join(directory, name)));
});
afterAll(() => dispose());

const named = (pattern: RegExp): string => {
  const name = [...files.keys()].find((candidate) => pattern.test(candidate));
  if (name === undefined) throw new Error(`no file like ${pattern} among ${[...files.keys()].join(", ")}`);
  return name;
};

/** Opens a copy in which `name` holds `content`, or is missing; what was found, or the error. */
async function openWith(name: string, content: Buffer | null): Promise<unknown> {
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy);
  for (const [other, original] of files) if (other !== name) writeFileSync(join(copy, other), original);
  if (content !== null) writeFileSync(join(copy, name), content);
  copyFileSync(`${directory}.anchor`, `${copy}.anchor`);
  try {
    const storage = await openLevelStorage({ directory: copy, mustExist: true });
    const found = text(storage.get(bytes("key 17 3")));
    await storage.close();
    return found;
  } catch (error) {
    return error;
  }
}

test("sound: it opens, and everything is there", async () => {
  expect(await openWith("", null)).toBe("v".repeat(270));
});

test("one changed byte anywhere in a table file", async () => {
  const name = named(/\.ldb$/);
  const whole = files.get(name) ?? Buffer.alloc(0);
  expect(whole.length).toBeGreaterThan(20_000);
  const positions = Array.from({ length: 400 }, (_, i) => Math.floor((i * whole.length) / 400));
  // The index and the footer, byte for byte.
  for (let position = whole.length - 150; position < whole.length; position++) positions.push(position);
  for (const position of positions) {
    const changed = Buffer.from(whole);
    changed[position] = (changed[position] ?? 0) ^ 0x04;
    expect(await openWith(name, changed), `byte ${position}`).toBeInstanceOf(DamagedStorage);
  }
});

test("a table file cut at any length, or with more behind it", async () => {
  const name = named(/\.ldb$/);
  const whole = files.get(name) ?? Buffer.alloc(0);
  for (const length of [0, 1, 47, 48, 4096, whole.length - 1]) {
    expect(await openWith(name, whole.subarray(0, length))).toBeInstanceOf(DamagedStorage);
  }
  expect(await openWith(name, Buffer.concat([whole, Buffer.alloc(1)]))).toBeInstanceOf(DamagedStorage);
});

test.each([
  ["a table file", /\.ldb$/, /expected a table file that the manifest lists, found no file/],
  ["the manifest", /^MANIFEST/, /expected the manifest that CURRENT names, found no file/],
  ["CURRENT", /^CURRENT$/, /expected the database that this node has written, found no database/],
])("a file that is gone: %s", async (_, pattern, message) => {
  const error = await openWith(named(pattern), null);
  expect(error).toBeInstanceOf(DamagedStorage);
  expect(String(error)).toMatch(message);
});

test("one changed byte anywhere in the manifest or CURRENT: refused, or nothing is missing", async () => {
  for (const name of [named(/^MANIFEST/), "CURRENT"]) {
    const whole = files.get(name) ?? Buffer.alloc(0);
    for (let position = 0; position < whole.length; position++) {
      const changed = Buffer.from(whole);
      changed[position] = (changed[position] ?? 0) ^ 0x04;
      const found = await openWith(name, changed);
      if (found instanceof DamagedStorage) continue;
      expect(found, `${name}, byte ${position}`).toBe("v".repeat(270));
    }
  }
});

test("a manifest cut at any length: refused, or nothing is missing", async () => {
  const name = named(/^MANIFEST/);
  const whole = files.get(name) ?? Buffer.alloc(0);
  for (let length = 0; length < whole.length; length++) {
    const found = await openWith(name, whole.subarray(0, length));
    if (found instanceof DamagedStorage) continue;
    expect(found, `cut at ${length}`).toBe("v".repeat(270));
  }
});

test("files that another user is writing are in use, not damaged", async () => {
  const running = await openLevelStorage({ directory: `${directory}-running`, mustExist: false });
  writeFileSync(join(`${directory}-running`, "CURRENT"), "MANIFEST-");
  await expect(openLevelStorage({ directory: `${directory}-running`, mustExist: true })).rejects.toThrow(
    StorageInUse,
  );
  await running.close();
});
