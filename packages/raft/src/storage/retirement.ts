/**
 * A damaged disk gives up its life, and begins another one by itself. What it promised under the old incarnation it
 * may have forgotten, so that one must never act again; the new one has promised nothing.
 *
 *     1  DAMAGED         what was found: from here on the old life takes no part, whatever happens
 *     2  identity.json   the next life: another incarnation, unborn, that names the one it retired
 *     3  damaged/        takes database and anchor, and the marker last
 *
 * Each step is durable before the next one begins, and each state says how to go on: a marker beside a born identity
 * goes on with 2, a marker beside an unborn one with 3. The old incarnation is retired when 2 is durable, before
 * anybody hears of the new one. Nothing is deleted but the files that an earlier damage left behind.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Identity, IdentityStore } from "../ports/index.js";
import { markDamaged, markedDamage, markerName, readMarker } from "./damage-marker.js";
import { takeLock } from "./database-lock.js";
import { syncDirectory } from "./durable-file.js";
import { type DamagedStorage, StorageFailed } from "./errors.js";

/** Where the files of a life that ended in damage are kept. */
export const keptName = "damaged";
/** A disk that is damaged twice within this time is not trusted a third time by itself. */
const pauseMs = 3_600_000;

/** What became of a damaged disk when it was opened. */
export interface Retirement {
  /** The incarnation that is over; null: the damaged database belonged to a life that had promised nothing yet. */
  readonly incarnation: string | null;
  /** What was found. */
  readonly reason: string;
  /** Where the damaged files are. */
  readonly kept: string;
}

export interface RetirementOptions {
  readonly directory: string;
  readonly identity: IdentityStore;
  /** Whether a life that was born may end without an operator. */
  readonly rebuild: boolean;
  readonly newIncarnation: (() => string) | undefined;
  /** Milliseconds since 1970. */
  readonly now: (() => number) | undefined;
}

/**
 * Goes through all that is left of the three steps. Afterwards the folder holds an unborn identity and no database.
 *
 * @param damage that was found now; null: only an earlier one counts, if the folder is marked
 * @returns null when there is none, so that nothing is to be done
 * @throws DamagedStorage when this life may not end by itself; the folder is marked
 * @throws StorageInUse, StorageFailed
 */
export async function retire(
  options: RetirementOptions,
  damage: DamagedStorage | null,
): Promise<Retirement | null> {
  const { directory, identity } = options;
  if (damage === null && readMarker(directory) === null) return null;
  const temporary = mkdtempSync(join(tmpdir(), "quorate-retire-"));
  try {
    // Files that another process is writing look damaged: it must not lose its disk under its hands.
    const lock = await takeLock(join(directory, "db"), join(temporary, "lock"));
    try {
      if (damage !== null) markDamaged(directory, damage);
      const reason = readMarker(directory) ?? "";
      const known = identity.read();
      if (known === null) throw markedDamage(directory, reason);
      if (known.born && !options.rebuild) throw damage ?? markedDamage(directory, reason);
      if (known.born) await identity.write(nextLife(known, reason, options));
      setAside(directory);
      const incarnation = known.born ? known.incarnation : (known.retired?.incarnation ?? null);
      return { incarnation, reason, kept: join(directory, keptName) };
    } finally {
      await lock?.close();
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function nextLife(known: Identity, reason: string, options: RetirementOptions): Identity {
  const { directory, newIncarnation } = options;
  const at = options.now?.() ?? Date.now();
  const since = known.retired === null ? pauseMs : at - known.retired.at;
  // A clock that went back says nothing about how long it is; the leader counts for itself.
  if (since >= 0 && since < pauseMs) {
    throw markedDamage(
      directory,
      `${reason}, ${Math.round(since / 60_000)} minutes after it was rebuilt`,
      "A disk that is damaged twice within an hour is not rebuilt by itself: check it (cables, kernel log), or start this node " +
        "with an empty folder on another one and replace the node. Started here after that hour, it is rebuilt once more.",
    );
  }
  const incarnation = newIncarnation?.() ?? randomBytes(16).toString("hex");
  const retired = { incarnation: known.incarnation, at };
  return { ...known, incarnation, clusterId: null, born: false, retired };
}

/** Renames only, so that it takes no time and no room, whatever the size of the database. */
function setAside(directory: string): void {
  const kept = join(directory, keptName);
  try {
    // With a marker in it, it is the whole of an earlier damage; without, what a crash left of this one.
    if (existsSync(join(kept, markerName))) rmSync(kept, { recursive: true });
    mkdirSync(kept, { recursive: true, mode: 0o700 });
    for (const name of ["db", "db.anchor"]) {
      if (!existsSync(join(directory, name))) continue;
      rmSync(join(kept, name), { recursive: true, force: true });
      renameSync(join(directory, name), join(kept, name));
    }
    syncDirectory(kept);
    syncDirectory(directory);
    renameSync(join(directory, markerName), join(kept, markerName));
    syncDirectory(kept);
    syncDirectory(directory);
  } catch (error) {
    throw new StorageFailed(`set the damaged files in ${directory} aside`, error);
  }
}
