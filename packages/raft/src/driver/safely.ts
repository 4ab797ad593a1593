import type { RaftLog } from "./types.js";

/**
 * Runs a callback of the embedding program. Whatever it throws is its own fault and ends there: the turn in
 * which it was called has other callers' outcomes to deliver.
 */
export function safely(log: RaftLog, callback: () => void): void {
  try {
    callback();
  } catch (error) {
    log.error({ err: error }, "a callback given to the Raft node threw");
  }
}
