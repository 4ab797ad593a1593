/**
 * `<dataDir>/DAMAGED`: once damage was found, this disk takes no part again, also when the next look at it finds
 * nothing (a flaky cable, a repaired file system, a file put back by hand). What it forgot, it may have promised.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "./durable-file.js";
import { DamagedStorage, describe, StorageFailed } from "./errors.js";

const markerName = "DAMAGED";

/** @throws DamagedStorage with what was found when the folder was marked */
export function refuseMarked(directory: string): void {
  const path = join(directory, markerName);
  if (!existsSync(path)) return;
  let reason: string;
  try {
    reason = readFileSync(path, "utf8").trim();
  } catch (error) {
    reason = `a marker that cannot be read (${describe(error)})`;
  }
  throw new DamagedStorage(path, "a folder in which no damage was ever found", reason);
}

/** Durable when it returns. The first damage is the one that is kept. */
export function markDamaged(directory: string, damage: DamagedStorage): void {
  const path = join(directory, markerName);
  if (existsSync(path)) return;
  try {
    replaceFile(path, `${damage.place}: expected ${damage.expected}, found ${damage.found}\n`);
  } catch (error) {
    throw new StorageFailed(`mark ${directory} as damaged`, error);
  }
}
