/** The records that exist exactly once: how each is laid out behind its seal. */
import type { HardState, Index, LogId } from "../core/index.js";
import type { IncomingSnapshot } from "../ports/index.js";
import { DamagedStorage } from "./errors.js";
import type { ChainValue } from "./log-record.js";
import {
  appliedKey,
  batchKey,
  compactedKey,
  type Generations,
  generationsKey,
  hardStateKey,
  incomingKey,
  lastKey,
  readIndex,
  writeIndex,
} from "./prefixes.js";
import { brokenSeal, seal, sealLength } from "./sealed.js";

/** An entry and the chain value that the next entry must continue. */
export interface ChainedLogId extends LogId {
  readonly chain: ChainValue;
}

const start = sealLength;

export function encodeGenerations(generations: Generations): Buffer {
  const value = Buffer.allocUnsafe(start + 8);
  value.writeUInt32BE(generations.log, start);
  value.writeUInt32BE(generations.state, start + 4);
  return seal(generationsKey, value);
}

export function decodeGenerations(directory: string, value: Buffer | undefined): Generations {
  const record = opened(directory, "generations", generationsKey, value, 8);
  return { log: record.readUInt32BE(start), state: record.readUInt32BE(start + 4) };
}

/** `term u64 | commit u64 | has vote u8 | vote UTF-8` */
export function encodeHardState(hardState: HardState): Buffer {
  const vote = Buffer.from(hardState.vote ?? "", "utf8");
  const value = Buffer.allocUnsafe(start + 17 + vote.length);
  writeIndex(value, hardState.term, start);
  writeIndex(value, hardState.commit, start + 8);
  value[start + 16] = hardState.vote === null ? 0 : 1;
  value.set(vote, start + 17);
  return seal(hardStateKey, value);
}

export function decodeHardState(directory: string, value: Buffer | undefined): HardState {
  const record = opened(directory, "hard state", hardStateKey, value, 17);
  return {
    term: readIndex(record, start),
    commit: readIndex(record, start + 8),
    vote: record[start + 16] === 0 ? null : record.toString("utf8", start + 17),
  };
}

export function encodeApplied(applied: Index): Buffer {
  return encodeNumber(appliedKey, applied);
}

export function decodeApplied(directory: string, value: Buffer | undefined): Index {
  return readIndex(opened(directory, "applied index", appliedKey, value, 8), start);
}

export function encodeBatchNumber(number: number): Buffer {
  return encodeNumber(batchKey, number);
}

export function decodeBatchNumber(directory: string, value: Buffer | undefined): number {
  return readIndex(opened(directory, "batch number", batchKey, value, 8), start);
}

function encodeNumber(key: Buffer, number: number): Buffer {
  const value = Buffer.allocUnsafe(start + 8);
  writeIndex(value, number, start);
  return seal(key, value);
}

export function encodeCompacted(id: ChainedLogId): Buffer {
  return encodeChainedLogId(compactedKey, id);
}

export function decodeCompacted(directory: string, value: Buffer | undefined): ChainedLogId {
  return decodeChainedLogId(opened(directory, "compaction mark", compactedKey, value, 20));
}

export function encodeLast(id: ChainedLogId): Buffer {
  return encodeChainedLogId(lastKey, id);
}

export function decodeLast(directory: string, value: Buffer | undefined): ChainedLogId {
  return decodeChainedLogId(opened(directory, "last entry's mark", lastKey, value, 20));
}

/** A snapshot that is being received, and the state generation that it fills. */
export interface StoredIncoming extends IncomingSnapshot {
  readonly generation: number;
}

/** `generation u32 | complete u8 | index u64 | term u64 | check u32 | length of from u16 | from UTF-8 | key` */
export function encodeIncoming({ generation, complete, snapshot, cursor }: StoredIncoming): Buffer {
  const from = Buffer.from(snapshot.from, "utf8");
  const value = Buffer.allocUnsafe(start + incomingLength + from.length + cursor.key.length);
  value.writeUInt32BE(generation, start);
  value[start + 4] = complete ? 1 : 0;
  writeIndex(value, snapshot.last.index, start + 5);
  writeIndex(value, snapshot.last.term, start + 13);
  value.writeUInt32BE(cursor.check, start + 21);
  value.writeUInt16BE(from.length, start + 25);
  value.set(from, start + incomingLength);
  value.set(cursor.key, start + incomingLength + from.length);
  return seal(incomingKey, value);
}

/** Null when nothing is being received. */
export function decodeIncoming(directory: string, value: Buffer | undefined): StoredIncoming | null {
  if (value === undefined) return null;
  const record = opened(directory, "incoming snapshot", incomingKey, value, incomingLength);
  const keyStart = start + incomingLength + record.readUInt16BE(start + 25);
  return {
    generation: record.readUInt32BE(start),
    complete: record[start + 4] === 1,
    snapshot: {
      from: record.toString("utf8", start + incomingLength, keyStart),
      last: { index: readIndex(record, start + 5), term: readIndex(record, start + 13) },
    },
    cursor: { check: record.readUInt32BE(start + 21), key: Buffer.from(record.subarray(keyStart)) },
  };
}

const incomingLength = 27;

function encodeChainedLogId(key: Buffer, id: ChainedLogId): Buffer {
  const value = Buffer.allocUnsafe(start + 20);
  writeIndex(value, id.index, start);
  writeIndex(value, id.term, start + 8);
  value.writeUInt32BE(id.chain, start + 16);
  return seal(key, value);
}

function decodeChainedLogId(record: Buffer): ChainedLogId {
  return {
    index: readIndex(record, start),
    term: readIndex(record, start + 8),
    chain: record.readUInt32BE(start + 16),
  };
}

/** The record with its seal verified and at least `payloadLength` bytes behind it. */
function opened(
  directory: string,
  what: string,
  key: Buffer,
  value: Buffer | undefined,
  payloadLength: number,
): Buffer {
  const place = `${directory}, ${what}`;
  if (value === undefined) throw new DamagedStorage(place, "a record", "none");
  const broken = brokenSeal(key, value);
  if (broken !== null) throw new DamagedStorage(place, broken.expected, broken.found);
  if (value.length < sealLength + payloadLength) {
    throw new DamagedStorage(place, `${sealLength + payloadLength} bytes`, `${value.length} bytes`);
  }
  return value;
}
