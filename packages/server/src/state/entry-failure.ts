/** Whose fault it is when an entry cannot be executed. */
import { DamagedStorage, StorageFailed } from "@quorate/raft/level";
import { LogEntryError } from "./log-entry.js";
import { MetadataError } from "./metadata.js";
import { UnknownServiceVersion } from "./service-machine.js";
import { DivergedState } from "./strike-mark.js";

/** What is wrong with this node, whichever entry comes next: its disk, its version, its service, its state. */
const ofNode = [
  DamagedStorage,
  StorageFailed,
  LogEntryError,
  UnknownServiceVersion,
  MetadataError,
  DivergedState,
];

/** False where another entry would fail as well, so that to hold before this one would help nobody. */
export function isOfEntry(error: unknown): boolean {
  if (ofNode.some((kind) => error instanceof kind)) return false;
  return !(error instanceof Error && error.cause !== undefined) || isOfEntry(error.cause);
}
