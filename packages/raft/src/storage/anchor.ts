/**
 * How far the database has got, noted outside of it: the number of the last batch that was reported as
 * durable. LevelDB forgets the end of its write-ahead log without a word when a bit of it rots or the file
 * is lost; a database that is behind its anchor has forgotten something that was acknowledged.
 *
 * The note is written after the batch is durable, so it is never ahead of a sound database. It is synced
 * only at a clean stop: after a power loss it may be old (then it says less), never too new.
 */
import { closeSync, fsyncSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { syncDirectory } from "./durable-file.js";
import { readIndex, writeIndex } from "./prefixes.js";
import { brokenSeal, seal, sealLength } from "./sealed.js";

/** Stands for the key in the seal. */
const sealKey = Buffer.from("anchor");
const length = sealLength + 8;

export class Anchor {
  readonly #file: number;
  readonly #record = Buffer.alloc(length);

  private constructor(file: number) {
    this.#file = file;
  }

  /** Creates the file when it is missing. */
  static open(path: string): Anchor {
    const flags = "a+";
    closeSync(openSync(path, flags, 0o600));
    syncDirectory(dirname(path));
    return new Anchor(openSync(path, "r+"));
  }

  /** Before a new database is made: what the file says is about another one. */
  static remove(path: string): void {
    rmSync(path, { force: true });
    syncDirectory(dirname(path));
  }

  /** Null when the file says nothing: new, or torn by a power loss. It only ever adds certainty. */
  read(): number | null {
    const record = Buffer.alloc(length);
    if (readSync(this.#file, record, 0, length, 0) !== length) return null;
    return brokenSeal(sealKey, record) === null ? readIndex(record, sealLength) : null;
  }

  /** Synchronous: some microseconds into the page cache, and no second thread that could fall behind. */
  note(batchNumber: number): void {
    writeIndex(this.#record, batchNumber, sealLength);
    writeSync(this.#file, seal(sealKey, this.#record), 0, length, 0);
  }

  sync(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
