/**
 * Reads the table files of a running database over and over, slowly: LevelDB does not look whether a block is sound, and
 * a rotten index block hides keys until the next start, which checks all files. What is found here is found within a
 * round. It sees what the operating system gives, which is what LevelDB gets.
 */
import { setTimeout } from "node:timers";
import { DamagedStorage } from "./errors.js";
import { listedTables, readTable, verifyTable } from "./table-files.js";

/** Between two files, of 2 MiB as a rule: half a percent of a core, 1 GiB in nine minutes. */
const filePauseMs = 1_000;
/** Between two rounds: a small database is not read all the time. */
const roundPauseMs = 600_000;

/**
 * One round. A file that a compaction deletes meanwhile is none of it any more.
 *
 * @param pause awaited before each file; false ends the round
 * @returns how many files were sound
 * @throws DamagedStorage naming the file and the offset of the first fault
 */
export async function scrubRound(directory: string, pause: () => Promise<boolean>): Promise<number> {
  let sound = 0;
  const listed = await lookTwice(pause, async () => listedTables(directory));
  for (const [number, size] of listed ?? []) {
    if (!(await pause())) break;
    if ((await lookTwice(pause, () => isSound(directory, number, size))) === true) sound += 1;
  }
  return sound;
}

/** False: it is none of the database's files any more. */
async function isSound(directory: string, number: number, size: number): Promise<boolean> {
  if (listedTables(directory).get(number) !== size) return false;
  const table = await readTable(directory, number);
  // Deleted while it was read, or before: then it is not listed.
  if (table.content === null && !listedTables(directory).has(number)) return false;
  verifyTable(table.path, table.content, size);
  return true;
}

/**
 * The database goes on writing its manifest meanwhile, and half of a record looks like damage: what is damaged is so
 * the second time, too. Null: stopped before that.
 */
async function lookTwice<T>(pause: () => Promise<boolean>, look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof DamagedStorage)) throw error;
    return (await pause()) ? look() : null;
  }
}

/**
 * Goes on until it is stopped, or has found damage.
 *
 * @param onEnd called once with what ended it: `DamagedStorage`, or the failure of a read
 */
export function scrubTables(directory: string, onEnd: (error: DamagedStorage | Error) => void): () => void {
  let stopped = false;
  let cancel: () => void = () => undefined;
  const wait = (milliseconds: number) =>
    new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(!stopped), milliseconds);
      timer.unref();
      cancel = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  const run = async () => {
    while (await wait(roundPauseMs)) await scrubRound(directory, () => wait(filePauseMs));
  };
  run().catch((error: unknown) => {
    if (!stopped) onEnd(error instanceof Error ? error : new Error(String(error)));
  });
  return () => {
    stopped = true;
    cancel();
  };
}
