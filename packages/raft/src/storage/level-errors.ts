/** Turns what LevelDB throws into this folder's errors. */
import {
  DamagedStorage,
  describe,
  StorageFailed,
  StorageInUse,
  StorageMisuse,
  UnknownFormat,
} from "./errors.js";

const own = [DamagedStorage, StorageFailed, StorageInUse, StorageMisuse, UnknownFormat];

/**
 * @param doing what was tried, as a verb phrase ("read the log")
 * @returns the error to throw; one of ours passes through unchanged
 */
export function failure(doing: string, directory: string, error: unknown): Error {
  if (error instanceof Error && own.some((kind) => error instanceof kind)) return error;
  if (codes(error).includes("LEVEL_LOCKED")) return new StorageInUse(directory, { cause: error });
  if (codes(error).includes("LEVEL_CORRUPTION")) {
    return new DamagedStorage(directory, `a database that LevelDB can read to ${doing}`, describe(error), {
      cause: error,
    });
  }
  // LevelDB reports a missing file as an I/O error and gives no code of its own. Where the system words it
  // otherwise, the outcome is a refusal too, only a less telling one.
  if (codes(error).includes("LEVEL_IO_ERROR") && /No such file or directory/.test(describe(error))) {
    const expected = "every file that the database names";
    return new DamagedStorage(directory, expected, describe(error), { cause: error });
  }
  return new StorageFailed(`${doing} in ${directory}`, error);
}

/** `code` of the error and of its causes: LevelDB's own code lies one level down when opening fails. */
function codes(error: unknown): readonly unknown[] {
  if (!(error instanceof Error)) return [];
  return ["code" in error ? error.code : undefined, ...codes(error.cause)];
}
