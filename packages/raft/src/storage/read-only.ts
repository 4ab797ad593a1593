/**
 * A stopped node's data folder, read without changing a byte of it. LevelDB cannot open a database without writing
 * to its folder (it moves the write-ahead log into a table, and starts a manifest and a log of its own), so it is
 * given another one, which is removed afterwards:
 *
 *     <temporary>/lock/LOCK ─▶ <dataDir>/db/LOCK   held: no node runs on the folder, and none starts meanwhile
 *     <temporary>/db/*.ldb  ─▶ the tables, which LevelDB never changes
 *     <temporary>/db/       copies of everything else, and of db.anchor beside it
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Entry, Index, Restored } from "../core/index.js";
import type { Identity, Storage } from "../ports/index.js";
import { takeLock } from "./database-lock.js";
import { DamagedStorage, ForeignDataDirectory, StorageFailed, UnknownFormat } from "./errors.js";
import { openIdentityFile } from "./identity.js";
import { openLevelStorage } from "./level-open.js";

export interface ReadOnlyLog {
  readonly identity: Identity;
  readonly restored: Restored;
  /** As `Storage.readEntries`. */
  readEntries(from: Index, to: Index, maxBytes: number): Promise<readonly Entry[]>;
  /** Lets nodes use the folder again. */
  close(): Promise<void>;
}

/** The log is read from the database; only its terms and the newest membership are wanted in memory. */
const maxTailBytes = 64 * 1024;

/**
 * Makes every check that a node makes when it starts. Not for a process that runs a node on the same folder: the
 * system's locks are between processes.
 *
 * @throws ForeignDataDirectory, DamagedStorage, UnknownFormat, StorageInUse, StorageFailed
 */
export async function openLogReadOnly(directory: string): Promise<ReadOnlyLog> {
  const source = resolve(directory);
  const identity = openIdentityFile(join(source, "identity.json")).read();
  if (identity === null) throw noNodesFolder(source);
  const database = join(source, "db");
  const temporary = mkdtempSync(join(tmpdir(), "quorate-read-"));
  const remove = () => rmSync(temporary, { recursive: true, force: true });
  // A process that is ended by a signal or by `process.exit` leaves no copies behind either.
  process.once("exit", remove);
  let lock: { close(): Promise<void> } | null = null;
  let storage: Storage | null = null;
  const close = async () => {
    await storage?.close();
    await lock?.close();
    remove();
    process.off("exit", remove);
  };
  try {
    lock = await takeLock(database, join(temporary, "lock"));
    copyDatabase(database, join(temporary, "db"));
    const opened = await openLevelStorage({
      directory: join(temporary, "db"),
      mustExist: identity.born,
      maxTailBytes,
    });
    storage = opened;
    return {
      identity,
      restored: opened.restored,
      readEntries: async (from, to, maxBytes) => {
        try {
          return await opened.readEntries(from, to, maxBytes);
        } catch (error) {
          throw renamed(error, temporary, source);
        }
      },
      close,
    };
  } catch (error) {
    await close();
    throw renamed(error, temporary, source);
  }
}

export function noNodesFolder(directory: string): ForeignDataDirectory {
  if (existsSync(join(directory, "dev.json"))) {
    return new ForeignDataDirectory(
      `${directory} is the folder of a local cluster; name one of its nodes: ${join(directory, "n1")}`,
    );
  }
  const what = existsSync(directory) ? "holds no identity.json" : "does not exist";
  return new ForeignDataDirectory(`${directory} ${what}; expected the data folder of a node`);
}

function copyDatabase(from: string, to: string): void {
  try {
    mkdirSync(to);
    for (const name of existsSync(from) ? readdirSync(from) : []) {
      if (/^\d+\.(ldb|sst)$/.test(name)) symlinkSync(join(from, name), join(to, name));
      else if (/^(CURRENT|MANIFEST-\d+|\d+\.log)$/.test(name)) copyFileSync(join(from, name), join(to, name));
    }
    if (existsSync(`${from}.anchor`)) copyFileSync(`${from}.anchor`, `${to}.anchor`);
  } catch (error) {
    throw new StorageFailed(`copy the log of ${from}`, error);
  }
}

/** The same error about the folder that the caller knows. */
function renamed(error: unknown, temporary: string, source: string): unknown {
  if (error instanceof DamagedStorage) {
    const found = error.found.replaceAll(temporary, source);
    return new DamagedStorage(error.place.replaceAll(temporary, source), error.expected, found, {
      cause: error,
    });
  }
  if (error instanceof UnknownFormat) {
    return new UnknownFormat(error.place.replaceAll(temporary, source), error.found, error.supported);
  }
  return error;
}
