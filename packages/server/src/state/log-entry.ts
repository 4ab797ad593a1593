/**
 * Log entry, format v1: what one application entry of the Raft log holds. One packed array with fixed
 * positions: `[v, kind, service, sha256, method, params, session, seq, lowestUnanswered, key, keyHash,
 * caller, now, elapsed, seed]`. Raft's own entries (no-op, membership) have entry types of their own.
 */
import type { Value } from "@quorate/protocol";
import { packEntry, unpackValue } from "./value-encoding.js";
import { ValueEncodingError } from "./value-reader.js";
import { readInSlices } from "./value-slices.js";

const version = 1;

/**
 * Stored: append, never renumber. 3 to 5 are reserved for birth, activate and void; birth and void are entry types of
 * Raft's own, because a node must know them without executing anything.
 */
export const entryKinds = { command: 1, batch: 2, birth: 3, activate: 4, void: 5 } as const;

export interface LogEntry {
  /** A batch has an empty `method`; its `params` are its calls, each `[method, params]`. */
  readonly kind: "command" | "batch";
  readonly service: string;
  /** Lower-case hexadecimal SHA-256 of the service that must execute it. */
  readonly sha256: string;
  readonly method: string;
  readonly params: readonly Value[];
  /** Retry tables: who calls, which of its calls this is, and up to where it has its answers. */
  readonly session: string | null;
  readonly seq: number;
  readonly lowestUnanswered: number;
  /** `Idempotency-Key`, and the hash of method and parameters that it was first used with. */
  readonly key: string | null;
  readonly keyHash: Uint8Array | null;
  readonly caller: string;
  /** Milliseconds since 1970-01-01 UTC, by the proposing node's clock. */
  readonly now: number;
  /** Monotonic milliseconds of the proposing node's leadership. */
  readonly elapsed: number;
  /** 16 bytes. */
  readonly seed: Uint8Array;
}

/** An entry that this version cannot execute. It is committed, so skipping it would diverge: the node must stop. */
export class LogEntryError extends Error {
  override readonly name = "LogEntryError";
}

/**
 * A service's version, as text and as bytes. Nearly every entry names the same one, so the last one is kept:
 * the conversion would cost more than the rest of the field's way.
 */
class VersionBytes {
  #text = "";
  #bytes: Uint8Array = new Uint8Array();

  of(text: string): Uint8Array {
    if (text === this.#text) return this.#bytes;
    // Kept by way of its bytes, which have one text only.
    const bytes = Uint8Array.from(Buffer.from(text, "hex"));
    this.textOf(bytes);
    return bytes;
  }

  textOf(bytes: Uint8Array): string {
    if (Buffer.compare(bytes, this.#bytes) !== 0) {
      this.#text = Buffer.from(bytes).toString("hex");
      this.#bytes = Uint8Array.from(bytes);
    }
    return this.#text;
  }
}

const versionBytes = new VersionBytes();

/** The canonical bytes. Throws `LogEntryError` when a field cannot be stored. */
export function encodeLogEntry(entry: LogEntry): Uint8Array {
  const fields: Value[] = [
    version,
    entryKinds[entry.kind],
    entry.service,
    versionBytes.of(entry.sha256),
    entry.method,
    [...entry.params],
    entry.session,
    entry.seq,
    entry.lowestUnanswered,
    entry.key,
    entry.keyHash,
    entry.caller,
    entry.now,
    entry.elapsed,
    entry.seed,
  ];
  // What is written here is read on every node: a field that could not be read back must fail now.
  readFields(fields);
  return packEntry(fields);
}

/** Throws `LogEntryError` for damaged bytes and for versions and kinds that this version does not know. */
export function decodeLogEntry(bytes: Uint8Array): LogEntry {
  return readFields(unpack(bytes));
}

/** As `decodeLogEntry`, for large entries: sockets and timers get turns meanwhile. The bytes must not change until then. */
export async function decodeLargeLogEntry(bytes: Uint8Array): Promise<LogEntry> {
  let fields: Value;
  try {
    fields = await readInSlices(bytes, 0);
  } catch (error) {
    throw unreadable(error);
  }
  return readFields(fields);
}

function unpack(bytes: Uint8Array): Value {
  try {
    return unpackValue(bytes);
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): unknown {
  if (!(error instanceof ValueEncodingError)) return error;
  return new LogEntryError(`the log entry cannot be read: ${error.message}`, { cause: error });
}

function readFields(fields: Value): LogEntry {
  if (!Array.isArray(fields)) throw new LogEntryError("the log entry is no array");
  const [found, kindNumber] = fields;
  if (found !== version) {
    throw new LogEntryError(
      `log entry format ${shown(found)} is unknown; this version reads ${version}. Run the version that wrote it`,
    );
  }
  const kind =
    kindNumber === entryKinds.command ? "command" : kindNumber === entryKinds.batch ? "batch" : null;
  if (kind === null) {
    throw new LogEntryError(
      `log entry kind ${shown(kindNumber)} is unknown to this version. Run the version that wrote it`,
    );
  }
  if (fields.length !== 15) throw new LogEntryError(`the log entry has ${fields.length} fields, not 15`);
  return {
    kind,
    service: text(fields, 2, "service"),
    sha256: versionBytes.textOf(bytesOf(fields, 3, "sha256", 32)),
    method: text(fields, 4, "method"),
    params: list(fields, 5, "params"),
    session: orNull(fields, 6, "session", text),
    seq: whole(fields, 7, "seq"),
    lowestUnanswered: whole(fields, 8, "lowestUnanswered"),
    key: orNull(fields, 9, "key", text),
    keyHash: orNull(fields, 10, "keyHash", (all, at, name) => bytesOf(all, at, name, 32)),
    caller: text(fields, 11, "caller"),
    now: whole(fields, 12, "now"),
    elapsed: whole(fields, 13, "elapsed"),
    seed: bytesOf(fields, 14, "seed", 16),
  };
}

type Read<T> = (fields: readonly Value[], at: number, name: string) => T;

const text: Read<string> = (fields, at, name) => {
  const field = fields[at];
  return typeof field === "string" ? field : wrong(name, "a string", field);
};

const list: Read<readonly Value[]> = (fields, at, name) => {
  const field = fields[at];
  return Array.isArray(field) ? field : wrong(name, "an array", field);
};

const whole: Read<number> = (fields, at, name) => {
  const field = fields[at];
  const isWhole =
    typeof field === "number" && Number.isSafeInteger(field) && field >= 0 && !Object.is(field, -0);
  return isWhole ? field : wrong(name, "a whole number from 0", field);
};

function bytesOf(fields: readonly Value[], at: number, name: string, length: number): Uint8Array {
  const field = fields[at];
  return field instanceof Uint8Array && field.length === length
    ? field
    : wrong(name, `${length} bytes`, field);
}

function orNull<T>(fields: readonly Value[], at: number, name: string, read: Read<T>): T | null {
  return fields[at] === null ? null : read(fields, at, name);
}

function wrong(name: string, expected: string, came: unknown): never {
  throw new LogEntryError(`log entry field ${name}: expected ${expected}, got ${shown(came)}`);
}

function shown(field: unknown): string {
  return typeof field === "number" || typeof field === "string"
    ? JSON.stringify(field).slice(0, 60)
    : typeof field;
}
