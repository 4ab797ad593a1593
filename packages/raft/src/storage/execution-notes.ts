/**
 * `<dataDir>/EXECUTING`: the entry whose execution ended the process, or was under way when it ended. Written over in
 * place, before entries are executed that an earlier process may have died of; not synced then, because only the end
 * of the process matters. A power loss may tear it: it is nothing then.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionNote, ExecutionNotes } from "../ports/index.js";
import { StorageFailed } from "./errors.js";
import { readIndex, writeIndex } from "./prefixes.js";
import { brokenSeal, seal, sealLength } from "./sealed.js";

const name = "EXECUTING";
/** Stands for the key in the seal. */
const sealKey = Buffer.from("executing");
const reasonLengthMax = 1000;
const headLength = sealLength + 8 + 4;

export function openExecutionNotes(directory: string): ExecutionNotes {
  return new FileNotes(join(directory, name));
}

class FileNotes implements ExecutionNotes {
  readonly place: string;
  #file: number | null = null;

  constructor(place: string) {
    this.place = place;
  }

  read(): ExecutionNote | null {
    if (!existsSync(this.place)) return null;
    const record = this.#doing("read", () => readFileSync(this.place));
    if (record.length < headLength || brokenSeal(sealKey, record) !== null) return null;
    return {
      index: readIndex(record, sealLength),
      attempts: record.readUInt32BE(sealLength + 8),
      reason: record.toString("utf8", headLength),
    };
  }

  write({ index, attempts, reason }: ExecutionNote, synced: boolean): void {
    const text = Buffer.from(reason.slice(0, reasonLengthMax), "utf8");
    const record = Buffer.alloc(headLength + text.length);
    writeIndex(record, index, sealLength);
    record.writeUInt32BE(attempts, sealLength + 8);
    record.set(text, headLength);
    seal(sealKey, record);
    this.#doing("write", () => {
      // A longer one from before would leave its end behind.
      if (this.#file !== null && text.length > 0) this.#close();
      this.#file ??= openSync(this.place, "w", 0o600);
      writeSync(this.#file, record, 0, record.length, 0);
      if (synced) fsyncSync(this.#file);
      if (text.length > 0) this.#close();
    });
  }

  clear(): void {
    this.#doing("remove", () => {
      this.#close();
      rmSync(this.place, { force: true });
    });
  }

  #close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #doing<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new StorageFailed(`${what} ${this.place}`, error);
    }
  }
}
