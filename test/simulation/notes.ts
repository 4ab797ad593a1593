import type { ExecutionNote, ExecutionNotes } from "@quorate/raft";

/** What a node notes outside of its database of the entry that it executes. */
export class Notes implements ExecutionNotes {
  #note: ExecutionNote | null = null;
  #synced = true;

  constructor(readonly place: string) {}

  read(): ExecutionNote | null {
    return this.#note;
  }

  write(note: ExecutionNote, synced: boolean): void {
    this.#note = note;
    this.#synced = synced;
  }

  clear(): void {
    this.#note = null;
  }

  /** The power goes. */
  tear(): void {
    if (!this.#synced) this.#note = null;
  }
}
