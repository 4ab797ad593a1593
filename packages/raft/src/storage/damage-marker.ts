/**
 * `<dataDir>/DAMAGED`: once damage was found, this life of the disk takes no part again, also when the next look at
 * it finds nothing (a flaky cable, a repaired file system, a file put back by hand). What it forgot, it may have
 * promised. The marker goes only with the files that it is about: see `retirement.ts`.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { placeMarker } from "./durable-file.js";
import { DamagedStorage, describe, StorageFailed } from "./errors.js";

export const markerName = "DAMAGED";

/** What was found when the folder was marked; null when it is not. */
export function readMarker(directory: string): string | null {
  const path = join(directory, markerName);
  if (!existsSync(path)) return null;
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    return `a marker that cannot be read (${describe(error)})`;
  }
}

/** The refusal of a marked folder. */
export function markedDamage(directory: string, reason: string, advice?: string): DamagedStorage {
  const expected = "a folder in which no damage was ever found";
  return new DamagedStorage(
    join(directory, markerName),
    expected,
    reason,
    advice === undefined ? {} : { advice },
  );
}

/** @throws DamagedStorage with what was found when the folder was marked */
export function refuseMarked(directory: string): void {
  const reason = readMarker(directory);
  if (reason !== null) throw markedDamage(directory, reason);
}

/** Durable when it returns. The first damage is the one that is kept. */
export function markDamaged(directory: string, damage: DamagedStorage): void {
  const { place, expected, found } = damage;
  try {
    placeMarker(join(directory, markerName), `${place}: expected ${expected}, found ${found}\n`);
  } catch (error) {
    throw new StorageFailed(`mark ${directory} as damaged`, error);
  }
}
