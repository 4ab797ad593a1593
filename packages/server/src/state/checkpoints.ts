/** Digests of the state on the way, to be compared with other nodes'. In memory only: a process remembers what it executed. */

/** Of the state right after the entry `index`. */
export interface Checkpoint {
  readonly index: number;
  /** See `MachineMetadata.digest`. */
  readonly digest: Uint8Array;
}

/** A digest is kept of the first entry in each run of so many. The same on every node, so that they keep the same ones. */
const spacing = 1_024;
/** At 20,000 entries a second, a node may be three seconds behind another one and still be compared with it. */
const keptMax = 64;

export class Checkpoints {
  readonly #kept: Checkpoint[] = [];
  #newest: Checkpoint | null = null;

  /** A command was executed, or struck out. Called for each: it keeps a reference, and no more. */
  passed(index: number, digest: Uint8Array): void {
    const before = this.#newest;
    this.#newest = { index, digest };
    if (before !== null && Math.floor(before.index / spacing) === Math.floor(index / spacing)) return;
    this.#kept.push(this.#newest);
    if (this.#kept.length > keptMax) this.#kept.shift();
  }

  /** Ascending; the last one is of the newest command, so that nodes at rest have one in common. */
  get all(): readonly Checkpoint[] {
    const newest = this.#newest;
    return newest === null || newest === this.#kept.at(-1) ? [...this.#kept] : [...this.#kept, newest];
  }
}
