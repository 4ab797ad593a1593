/**
 * How far the database has got, noted outside of it: the number of the last batch that was reported as
 * durable. LevelDB forgets the end of its write-ahead log without a word when a bit of it rots or the file
 * is lost; a database that is behind its anchor has forgotten something that was acknowledged.
 *
 * The note is written after the batch is durable, so it is never ahead of a sound database. It is synced
 * only at a clean stop: after a power loss it may be old (then it says less), never too new.
 *
 * It is written beside the event loop. A write into the page cache alone takes microseconds, but while the file
 * system commits its journal, which every synced batch makes it do, it waits for the end of that. So the note may be
 * some milliseconds old when the process is killed; at a clean stop it is exact.
 */
import { closeSync, fsyncSync, openSync, readSync, rmSync, write, writeSync } from "node:fs";
import { dirname } from "node:path";
import { syncDirectory } from "./durable-file.js";
import { readIndex, writeIndex } from "./prefixes.js";
import { brokenSeal, seal, sealLength } from "./sealed.js";

/** Stands for the key in the seal. */
const sealKey = Buffer.from("anchor");
const length = sealLength + 8;
/** Between two notes: a node that writes a thousand batches a second does not make a thousand notes of them. */
const pauseMs = 10;

export class Anchor {
  readonly #file: number;
  /** The newest batch, written or not; null before the first one. */
  #newest: number | null = null;
  #writing: Promise<void> | null = null;
  #failed: Error | null = null;

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

  /** Written soon; of what is noted meanwhile only the newest. Throws when an earlier note could not be written. */
  note(batchNumber: number): void {
    if (this.#failed !== null) throw this.#failed;
    this.#newest = batchNumber;
    this.#writing ??= this.#writeNewest();
  }

  async #writeNewest(): Promise<void> {
    for (let written: number | null = null; written !== this.#newest && this.#failed === null; ) {
      written = this.#newest;
      await new Promise<void>((resolve) => {
        write(this.#file, recordOf(written ?? 0), 0, length, 0, (error) => {
          this.#failed = error;
          resolve();
        });
      });
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    this.#writing = null;
  }

  /** Everything that was noted is on disk when it resolves; nothing can be noted afterwards. */
  async close(): Promise<void> {
    try {
      await this.#writing;
      if (this.#failed !== null) throw this.#failed;
      if (this.#newest !== null) writeSync(this.#file, recordOf(this.#newest), 0, length, 0);
      fsyncSync(this.#file);
    } finally {
      closeSync(this.#file);
    }
  }
}

function recordOf(batchNumber: number): Buffer {
  const record = Buffer.alloc(length);
  writeIndex(record, batchNumber, sealLength);
  seal(sealKey, record);
  return record;
}
