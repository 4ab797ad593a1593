/**
 * `<dataDir>/DIVERGED`: the state of this folder is not what a majority came to from the same log. Nothing of the log is
 * lost, so the disk does not begin another life by itself, as a damaged one does: two nodes that did so at once could
 * take entries with them that only they and one more held.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { placeMarker } from "./durable-file.js";
import { DivergedState, StorageFailed } from "./errors.js";

const name = "DIVERGED";

/** Durable when it returns. The first finding is the one that is kept. */
export function markDiverged(directory: string, { finding }: DivergedState): void {
  try {
    placeMarker(join(directory, name), `${finding}\n`);
  } catch (error) {
    throw new StorageFailed(`mark ${directory} as diverged`, error);
  }
}

/** @throws DivergedState with what was found when the folder was marked */
export function refuseDiverged(directory: string): void {
  const path = join(directory, name);
  if (!existsSync(path)) return;
  let finding: string;
  try {
    finding = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new StorageFailed(`read ${path}`, error);
  }
  throw new DivergedState(finding);
}
