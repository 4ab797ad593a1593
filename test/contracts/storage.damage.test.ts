/**
 * A damaged disk is named, never guessed around. Every case plants one fault into a sound database and
 * expects the refusal that says what is wrong.
 */
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Storage } from "@quorate/raft";
import { DamagedStorage, openLevelStorage, StorageFailed, UnknownFormat } from "@quorate/raft/level";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { editDatabase, keys } from "./level-editor.js";
import {
  batch,
  bytes,
  effect,
  entries,
  hardState,
  ids,
  membershipEntry,
  membershipOf,
  temporaryDirectory,
} from "./storage-harness.js";

let directory: string;
let dispose: () => Promise<void>;

beforeEach(async () => {
  const temporary = await temporaryDirectory();
  dispose = temporary.dispose;
  directory = join(temporary.directory, "db");
});
afterEach(() => dispose());

const reopen = (folder = directory): Promise<Storage> =>
  openLevelStorage({ directory: folder, mustExist: true });

async function writeLog(storage: Storage): Promise<void> {
  await storage.write(
    batch({
      hardState: hardState(2),
      entries: [membershipEntry(1, 1, membershipOf("n1")), ...entries(2, 1, 1, 2, 2)],
    }),
  );
  await storage.write(batch({ effects: [effect("a", "A")], applied: 2, compactTo: 1 }));
}

describe("damaged records", () => {
  beforeEach(async () => {
    const storage = await openLevelStorage({ directory, mustExist: false });
    await writeLog(storage);
    await storage.close();
  });

  const flip = (value: Buffer, position: number): Buffer => {
    const changed = Buffer.from(value);
    changed[position] = (changed[position] ?? 0) ^ 0x10;
    return changed;
  };

  test("sound: it opens", async () => {
    const storage = await reopen();
    expect(ids(storage.restored.tail)).toEqual(["2@1", "3@1", "4@2", "5@2"]);
    await storage.close();
  });

  test("one flipped bit anywhere in a log record", async () => {
    const record = (await editDatabase(directory, (editor) => editor.get(keys.log(3)))) ?? Buffer.alloc(0);
    expect(record.length).toBeGreaterThan(18);
    for (let position = 0; position < record.length; position++) {
      await editDatabase(directory, (editor) => editor.put(keys.log(3), flip(record, position)));
      await expect(reopen()).rejects.toThrow(
        /log entry 3: expected checksum [0-9a-f]{8} as stored, found bytes/,
      );
    }
  });

  test.each([
    ["hard state", keys.hardState],
    ["applied index", keys.applied],
    ["compaction mark", keys.compacted],
    ["last entry's mark", keys.last],
    ["generations", keys.generations],
    ["batch number", keys.batch],
    ["membership 1", keys.membership(1)],
  ])("one flipped bit anywhere in: %s", async (name, key) => {
    const record = (await editDatabase(directory, (editor) => editor.get(key))) ?? Buffer.alloc(0);
    expect(record.length).toBeGreaterThan(4);
    for (let position = 0; position < record.length; position++) {
      await editDatabase(directory, (editor) => editor.put(key, flip(record, position)));
      const opening = reopen();
      await expect(opening).rejects.toThrow(DamagedStorage);
      await expect(opening).rejects.toThrow(`${name}: expected checksum`);
    }
  });

  test.each([
    ["format", keys.format, /format: expected a record with 1, found none/],
    ["hard state", keys.hardState, /hard state: expected a record, found none/],
    ["applied index", keys.applied, /applied index: expected a record, found none/],
    ["compaction mark", keys.compacted, /compaction mark: expected a record, found none/],
    ["last entry's mark", keys.last, /last entry's mark: expected a record, found none/],
    ["batch number", keys.batch, /batch number: expected a record, found none/],
    ["first entry", keys.log(2), /log: expected entry 2 after entry 1, found entry 3/],
    ["an entry in the middle", keys.log(4), /log: expected entry 4 after entry 3, found entry 5/],
    ["last entry", keys.log(5), /log: expected last entry 5 of term 2 .*, found last entry 4 of term 2/],
  ])("a lost record: %s", async (_, key, message) => {
    await editDatabase(directory, (editor) => editor.del(key));
    const opening = reopen();
    await expect(opening).rejects.toThrow(DamagedStorage);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toThrow(/Do not start this node with this folder again/);
  });

  test("a sound record under another key", async () => {
    await editDatabase(directory, async (editor) => {
      const record = await editor.get(keys.log(3));
      if (record !== undefined) await editor.put(keys.log(4), record);
    });
    await expect(reopen()).rejects.toThrow(/log entry 4: expected checksum/);
  });

  /** Replaces a record by the sound one of another database, written by `write`. */
  async function exchange(key: Buffer, write: (storage: Storage) => Promise<void>): Promise<void> {
    const other = `${directory}-other`;
    const storage = await openLevelStorage({ directory: other, mustExist: false });
    await write(storage);
    await storage.close();
    const foreign = await editDatabase(other, (editor) => editor.get(key));
    await editDatabase(directory, async (editor) => {
      if (foreign !== undefined) await editor.put(key, foreign);
    });
  }

  test("a sound record of another history breaks the chain", async () => {
    await exchange(keys.log(4), (other) =>
      other.write(batch({ hardState: hardState(2), entries: entries(1, 1, 1, 1, 2, 2) })),
    );
    await expect(reopen()).rejects.toThrow(
      /log entry 4: expected a record that follows chain value .* of entry 3/,
    );
  });

  test("an older hard state than the log", async () => {
    await exchange(keys.hardState, (other) => other.write(batch({ hardState: hardState(1) })));
    await expect(reopen()).rejects.toThrow(/hard state: expected a term of at least 2, .* found term 1/);
  });

  test("a commit index that the log does not reach", async () => {
    await exchange(keys.hardState, (other) =>
      other.write(batch({ hardState: hardState(2, 6), entries: entries(1, 1, 1, 1, 1, 1, 1) })),
    );
    await expect(reopen()).rejects.toThrow(/log: expected entries up to 6, .* found a last entry 5/);
  });

  test.each([
    ["beyond the log", 6, /applied index: expected an index between 1 .* and 5 .*, found 6/],
    ["within what was compacted", 0, /applied index: expected an index between 1 .* and 5 .*, found 0/],
  ])("an applied index %s", async (_, applied, message) => {
    await exchange(keys.applied, (other) =>
      other.write(batch({ hardState: hardState(1), entries: entries(1, 1, 1, 1, 1, 1, 1), applied })),
    );
    await expect(reopen()).rejects.toThrow(message);
  });

  test("a membership that is none", async () => {
    await exchange(keys.membership(1), (other) => {
      const entry = { ...membershipEntry(1, 1, membershipOf("n1")), data: bytes("no membership") };
      return other.write(batch({ hardState: hardState(1), entries: [entry] }));
    });
    await expect(reopen()).rejects.toThrow(/membership 1: expected an encoded membership, found .*JSON/);
  });

  test("an unknown format is no damage, and names both", async () => {
    await editDatabase(directory, (editor) => editor.put(keys.format, Buffer.from([0, 0, 0, 2])));
    const opening = reopen();
    await expect(opening).rejects.toThrow(UnknownFormat);
    await expect(opening).rejects.toThrow(/has format 2, this version reads format 1/);
  });

  test("state is checked when it is read: by key, and in a range", async () => {
    await editDatabase(directory, async (editor) => {
      const value = await editor.get(keys.state("a"));
      if (value !== undefined) await editor.put(keys.state("a"), flip(value, value.length - 1));
    });
    const storage = await reopen();
    expect(() => storage.get(bytes("a"))).toThrow(DamagedStorage);
    const snapshot = storage.snapshot();
    expect(() => snapshot.get(bytes("a"))).toThrow(/state key .*61: expected checksum/);
    await expect(snapshot.scan({})).rejects.toThrow(DamagedStorage);
    await snapshot.close();
    await storage.close();
  });

  test("a refused database is not left locked", async () => {
    const value = await editDatabase(directory, (editor) => editor.get(keys.last));
    await editDatabase(directory, (editor) => editor.del(keys.last));
    await expect(reopen()).rejects.toThrow(DamagedStorage);
    await editDatabase(directory, async (editor) => {
      if (value !== undefined) await editor.put(keys.last, value);
    });
    await (await reopen()).close();
  });
});

describe("damage while running", () => {
  /** Flips one bit of `sought` in the table files, under the running database. */
  function rot(sought: string): void {
    for (const name of readdirSync(directory).filter((found) => found.endsWith(".ldb"))) {
      const path = join(directory, name);
      const content = readFileSync(path);
      const at = content.indexOf(sought);
      if (at < 0) continue;
      content[at] = (content[at] ?? 0) ^ 1;
      const file = openSync(path, "r+");
      writeSync(file, content.subarray(at, at + 1), 0, 1, at);
      closeSync(file);
      return;
    }
    throw new Error(`no table file holds "${sought}"`);
  }

  test("rot in a table file, which LevelDB hands out without a word, is found on read", async () => {
    const storage = await openLevelStorage({ directory, mustExist: false });
    await writeLog(storage);
    await storage.write(batch({ effects: [effect("key", "a value of the state")], applied: 3 }));
    await storage.close();
    // Opening moves everything from the write-ahead log into a table file.
    const running = await reopen();
    rot("entry 5 of term 2");
    rot("a value of the state");
    expect(ids(await running.readEntries(2, 4, 10_000))).toEqual(["2@1", "3@1", "4@2"]);
    await expect(running.readEntries(2, 5, 10_000)).rejects.toThrow(/log entry 5: expected checksum/);
    expect(() => running.get(bytes("key"))).toThrow(DamagedStorage);
    // Replacing entry 6 onwards needs the chain value of entry 5: the write fails rather than build on it.
    await running.write(batch({ entries: entries(6, 2) }));
    const writing = running.write(batch({ entries: entries(6, 2) }));
    await expect(writing).rejects.toThrow(StorageFailed);
    await expect(writing).rejects.toThrow(/log entry 5: expected checksum/);
    await running.close();
  });

  test("a failed write is final: every later one is refused with the first cause", async () => {
    const storage = await openLevelStorage({ directory, mustExist: false });
    await writeLog(storage);
    // LevelDB cannot start a new file any more once its folder is gone, and says so when it has to.
    rmSync(directory, { recursive: true });
    const large = { key: bytes("large"), value: new Uint8Array(20 * 1024 * 1024) };
    let failure: unknown;
    for (let attempt = 0; failure === undefined && attempt < 5; attempt++) {
      await storage.write(batch({ effects: [large], applied: 2 })).catch((error: unknown) => {
        failure = error;
      });
    }
    expect(failure).toBeInstanceOf(StorageFailed);
    expect(failure).toHaveProperty("cause");
    await expect(storage.write(batch({ applied: 3 }))).rejects.toBe(failure);
    await storage.close();
  });
});

describe("compaction", () => {
  test("deletes all records that it cut away, some with each batch, also after a restart", async () => {
    const recordsLeft = () =>
      editDatabase(directory, async (editor) => {
        const found = await editor.keys({ gte: keys.log(0), lt: keys.log(2 ** 40) }).all();
        return found.length;
      });
    let storage = await openLevelStorage({ directory, mustExist: false });
    const many = entries(1, ...new Array<number>(10_000).fill(1));
    await storage.write(batch({ hardState: hardState(1), entries: many, applied: 9990 }));
    await storage.write(batch({ compactTo: 9990 }));
    await storage.close();
    expect(await recordsLeft()).toBe(10_000 - 4096);

    storage = await reopen();
    expect(storage.restored.compacted.index).toBe(9990);
    await storage.write(batch({}));
    await storage.write(batch({}));
    await storage.close();
    expect(await recordsLeft()).toBe(10);
  });
});

describe("files of LevelDB", () => {
  beforeEach(async () => {
    const storage = await openLevelStorage({ directory, mustExist: false });
    await writeLog(storage);
    await storage.close();
  });

  test.each(["CURRENT", "MANIFEST"])("%s lost", async (name) => {
    const file = readdirSync(directory).find((found) => found.startsWith(name)) ?? "";
    rmSync(join(directory, file));
    await expect(reopen()).rejects.toThrow(DamagedStorage);
  });

  test("the write-ahead log lost: the database is empty, and that is damage", async () => {
    for (const file of readdirSync(directory)) if (file.endsWith(".log")) rmSync(join(directory, file));
    await expect(reopen()).rejects.toThrow(
      /expected the database that this node has written, found an empty one/,
    );
  });

  test("garbage in MANIFEST", async () => {
    const file = readdirSync(directory).find((found) => found.startsWith("MANIFEST")) ?? "";
    writeFileSync(join(directory, file), "garbage");
    await expect(reopen()).rejects.toThrow(DamagedStorage);
  });
});
