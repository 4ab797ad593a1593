/**
 * Generations of log and state that are not in use: the one that a snapshot is filling, and what is left over of
 * those that were replaced, waiting to be deleted in pieces.
 */
import type { IncomingSnapshot, SnapshotChunk } from "../ports/index.js";
import { decodeIncoming, encodeIncoming, type StoredIncoming } from "./fixed-records.js";
import type { Database } from "./level-view.js";
import {
  type GenerationKind,
  type Generations,
  generationKinds,
  generationOfKey,
  generationRange,
  incomingKey,
  stateKey,
} from "./prefixes.js";
import { sealed } from "./sealed.js";

/** Keys of leftovers that one batch deletes at most. */
const pieceLength = 4096;
const generationMax = 0xffff_ffff;

export type Operations = ReturnType<Database["batch"]>;

interface Leftover {
  readonly kind: GenerationKind;
  readonly generation: number;
  /** Everything before it is deleted; null = nothing is. Spares LevelDB the way over what it has deleted. */
  after: Buffer | null;
}

/** A part of a batch: what holds once the batch is durable. */
export type OnceDurable = () => void;

export class SpareGenerations {
  readonly #database: Database;
  #incoming: StoredIncoming | null;
  #leftovers: Leftover[];
  /** State generations from here on were never used. */
  #unused: number;

  private constructor(
    database: Database,
    incoming: StoredIncoming | null,
    leftovers: Leftover[],
    unused: number,
  ) {
    this.#database = database;
    this.#incoming = incoming;
    this.#leftovers = leftovers;
    this.#unused = unused;
  }

  /** Finds what an earlier life left over. */
  static async load(database: Database, directory: string, inUse: Generations): Promise<SpareGenerations> {
    const incoming = decodeIncoming(directory, database.getSync(incomingKey));
    const leftovers: Leftover[] = [];
    let newest = Math.max(inUse.state, incoming?.generation ?? 0);
    for (const kind of generationKinds) {
      const used = kind === "state" ? [inUse.state, incoming?.generation] : [inUse.log];
      for await (const generation of generationsOf(database, kind)) {
        if (!used.includes(generation)) leftovers.push({ kind, generation, after: null });
        if (kind === "state") newest = Math.max(newest, generation);
      }
    }
    return new SpareGenerations(database, incoming, leftovers, newest + 1);
  }

  get incoming(): IncomingSnapshot | null {
    return this.#incoming;
  }

  get sweepDue(): boolean {
    return this.#leftovers.length > 0;
  }

  receive(operations: Operations, { snapshot, after, pairs, cursor, complete }: SnapshotChunk): OnceDurable {
    const before = this.#incoming;
    const generation = after === null || before === null ? this.#unused++ : before.generation;
    for (const [key, value] of pairs) {
      const fullKey = stateKey(generation, key);
      operations.put(fullKey, sealed(fullKey, value));
    }
    const incoming = { generation, snapshot, cursor, complete };
    operations.put(incomingKey, encodeIncoming(incoming));
    return () => {
      this.#incoming = incoming;
      if (before !== null && before.generation !== generation) this.#leave("state", before.generation);
    };
  }

  /** The state in use has passed what is being received. */
  discard(operations: Operations): OnceDurable {
    const before = this.#incoming;
    operations.del(incomingKey);
    return () => {
      this.#incoming = null;
      if (before !== null) this.#leave("state", before.generation);
    };
  }

  /** @returns the generations that are in use once the batch is durable */
  install(operations: Operations, inUse: Generations): { next: Generations; onceDurable: OnceDurable } {
    const next = { log: inUse.log + 1, state: this.#incoming?.generation ?? this.#unused++ };
    operations.del(incomingKey);
    const onceDurable = () => {
      this.#incoming = null;
      this.#leave("log", inUse.log);
      this.#leave("membership", inUse.log);
      this.#leave("state", inUse.state);
    };
    return { next, onceDurable };
  }

  /** Deletes a piece of the oldest leftover. */
  async sweep(operations: Operations): Promise<OnceDurable> {
    const leftover = this.#leftovers[0];
    if (leftover === undefined) return () => undefined;
    const { kind, generation, after } = leftover;
    const range = generationRange(kind, generation, generation + 1);
    const bounds = after === null ? range : { gt: after, lt: range.lt };
    const keys = await this.#database.keys({ ...bounds, limit: pieceLength, fillCache: false }).all();
    for (const key of keys) operations.del(key);
    return () => {
      leftover.after = keys.at(-1) ?? after;
      if (keys.length < pieceLength) this.#leftovers.shift();
    };
  }

  #leave(kind: GenerationKind, generation: number): void {
    this.#leftovers.push({ kind, generation, after: null });
  }
}

async function* generationsOf(database: Database, kind: GenerationKind): AsyncGenerator<number> {
  for (let from = 0; ; ) {
    const range = generationRange(kind, from, generationMax);
    const [key] = await database.keys({ ...range, limit: 1, fillCache: false }).all();
    if (key === undefined) return;
    const generation = generationOfKey(key);
    yield generation;
    from = generation + 1;
  }
}
