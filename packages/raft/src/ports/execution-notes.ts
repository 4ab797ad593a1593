/** Which entry is being executed, noted outside of the database: a process that an entry ends leaves its name behind. */
import type { Index } from "../core/index.js";

export interface ExecutionNote {
  readonly index: Index;
  /** How many processes began to execute it and are not known to have got past it. */
  readonly attempts: number;
  /** What was thrown; empty: the process ended without a word. */
  readonly reason: string;
}

export interface ExecutionNotes {
  /** Where it is kept, for an operator. */
  readonly place: string;
  /** Null when there is none, or it cannot be read: a note only ever adds caution. */
  read(): ExecutionNote | null;
  /** Survives the end of the process when it returns; a power loss only if it was `synced`. */
  write(note: ExecutionNote, synced: boolean): void;
  clear(): void;
}
