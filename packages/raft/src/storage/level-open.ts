/** Opens a database, or refuses it: everything that is checked before the first batch. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { Level } from "level";
import type { Storage } from "../ports/index.js";
import { Anchor } from "./anchor.js";
import { syncDirectory } from "./durable-file.js";
import { DamagedStorage, StorageInUse } from "./errors.js";
import { failure } from "./level-errors.js";
import { initialize, isEmpty, load } from "./level-load.js";
import { LevelStorage } from "./level-storage.js";
import type { Database } from "./level-view.js";
import { isLocked } from "./lock.js";
import { defaultMaxTailBytes } from "./restored-log.js";
import { verifyTables } from "./table-files.js";
import { verifyWriteAheadLogs } from "./write-ahead-log.js";

export interface LevelStorageOptions {
  /** Folder of the database itself; holds nothing else. */
  readonly directory: string;
  /** True: a missing or empty database is damage and nothing is created. */
  readonly mustExist: boolean;
  /** Bytes of the log's newest part that `restored.tail` holds at most. Default 16 MiB. */
  readonly maxTailBytes?: number;
}

/**
 * Opens the database and verifies the whole log, entry by entry.
 *
 * @throws DamagedStorage, UnknownFormat, StorageInUse, StorageFailed
 */
export async function openLevelStorage(options: LevelStorageOptions): Promise<Storage> {
  const { directory, mustExist, maxTailBytes = defaultMaxTailBytes } = options;
  // Asked before LevelDB is: a refused open would leave a lock file in a folder that was missing.
  if (mustExist && !existsSync(join(directory, "CURRENT"))) {
    throw new DamagedStorage(directory, "the database that this node has written", "no database");
  }
  const anchorPath = `${directory}.anchor`;
  if (mustExist && !existsSync(anchorPath)) {
    throw new DamagedStorage(anchorPath, "the note of the last durable batch", "no file");
  }
  if (existsSync(join(directory, "CURRENT"))) readBeforeLevelDb(directory);
  const database: Database = new Level<Buffer, Buffer>(directory, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
    createIfMissing: !mustExist,
    // Blocks as they are: the file can be checked and read without knowing a compression.
    compression: false,
    // Two of these are in memory at times, and four tables of its size are mapped into it when they are compacted.
    writeBufferSize: 4 * 1024 * 1024,
    cacheSize: 32 * 1024 * 1024,
  });
  try {
    await database.open();
    if (await isEmpty(database)) {
      if (mustExist)
        throw new DamagedStorage(directory, "the database that this node has written", "an empty one");
      Anchor.remove(anchorPath);
      await initialize(database);
      syncDirectory(dirname(directory));
    }
    const loaded = await load(database, directory, maxTailBytes);
    const anchor = Anchor.open(anchorPath);
    try {
      requireAnchored(directory, anchor, loaded.batchNumber);
    } catch (error) {
      await anchor.close();
      throw error;
    }
    return new LevelStorage(database, directory, loaded, anchor);
  } catch (error) {
    await database.close();
    throw failure("open the database", directory, error);
  }
}

function readBeforeLevelDb(directory: string): void {
  try {
    verifyTables(directory);
    verifyWriteAheadLogs(directory);
  } catch (error) {
    // Files that somebody writes while they are read need not fit together.
    if (isLocked(directory)) throw new StorageInUse(directory, { cause: error });
    throw failure("check the files of the database", directory, error);
  }
}

function requireAnchored(directory: string, anchor: Anchor, batchNumber: number): void {
  const anchored = anchor.read() ?? 0;
  if (batchNumber >= anchored) return;
  throw new DamagedStorage(
    directory,
    `all batches up to number ${anchored}, which was reported as durable (${directory}.anchor)`,
    `none after number ${batchNumber}`,
  );
}
