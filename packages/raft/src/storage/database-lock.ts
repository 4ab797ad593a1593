/** LevelDB's own lock, held without opening the database: opening would write to a folder that is to stay as it is. */
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { Level } from "level";
import { failure } from "./level-errors.js";

/**
 * Opens an empty database of our own, whose lock file is that of `database`. The system's locks are between
 * processes: within the process that runs the node it says nothing.
 *
 * @param scratch a folder that is made, and is the caller's to remove
 * @returns null when there is no lock file, so that nobody can hold it
 * @throws StorageInUse, StorageFailed
 */
export async function takeLock(
  database: string,
  scratch: string,
): Promise<{ close(): Promise<void> } | null> {
  // A copied folder may lack it, and a symbolic link to nothing would create it.
  if (!existsSync(join(database, "LOCK"))) return null;
  mkdirSync(scratch);
  symlinkSync(join(database, "LOCK"), join(scratch, "LOCK"));
  const level = new Level<Buffer, Buffer>(scratch);
  try {
    await level.open();
    return level;
  } catch (error) {
    throw failure("take the lock of the database", database, error);
  }
}
