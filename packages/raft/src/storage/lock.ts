import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Whether some process holds LevelDB's lock, asked without taking it: opening the database would write to a
 * folder that is to be kept as it is. On systems that do not list their locks (`/proc/locks`, Linux) the answer is
 * false.
 */
export function isLocked(directory: string): boolean {
  let inode: number;
  let locks: string;
  try {
    inode = statSync(join(directory, "LOCK")).ino;
    locks = readFileSync("/proc/locks", "utf8");
  } catch {
    return false;
  }
  // proc(5): `1: POSIX  ADVISORY  WRITE 1234 fd:00:5678 0 EOF`, the inode behind the second colon.
  return locks.split("\n").some((line) => line.split(/\s+/)[5]?.split(":")[2] === String(inode));
}
