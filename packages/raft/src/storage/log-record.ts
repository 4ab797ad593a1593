/**
 * One log entry on disk, one Buffer per record:
 *
 *     crc32 u32 | version u8 | type u8 | term u64 | chain value of the entry before u32 | data
 *
 * The checksum covers the key (hence the index) and everything behind it. It is also this entry's *chain
 * value*: because each record holds, under its own checksum, the chain value of the entry before, a
 * record that is sound by itself but follows another history is found too. The data is stored as it came.
 */
import { type Entry, EntryType, type Index, type Term } from "../core/index.js";
import { DamagedStorage, UnknownFormat } from "./errors.js";
import { readIndex, writeIndex } from "./prefixes.js";
import { brokenSeal, hex, seal } from "./sealed.js";

/** Stands for "what came before" of an entry: its checksum; 0 before entry 1. */
export type ChainValue = number;

const recordVersion = 1;
const offset = { version: 4, type: 5, term: 6, previous: 14, data: 18 } as const;
const entryTypes: ReadonlySet<number> = new Set(Object.values(EntryType));

export interface DecodedRecord {
  readonly entry: Entry;
  readonly chain: ChainValue;
}

/** @param previous chain value of the entry before */
export function encodeLogRecord(key: Buffer, entry: Entry, previous: ChainValue): Buffer {
  const record = Buffer.allocUnsafe(offset.data + entry.data.length);
  record[offset.version] = recordVersion;
  record[offset.type] = entry.type;
  writeIndex(record, entry.term, offset.term);
  record.writeUInt32BE(previous, offset.previous);
  record.set(entry.data, offset.data);
  return seal(key, record);
}

export function chainValueOf(record: Buffer): ChainValue {
  return record.readUInt32BE(0);
}

/**
 * Reads one record by itself; `verifyChain` then ties it to its predecessor.
 *
 * @param directory named in errors
 * @throws DamagedStorage, UnknownFormat
 */
export function decodeLogRecord(directory: string, key: Buffer, record: Buffer, index: Index): DecodedRecord {
  const place = placeOf(directory, index);
  if (record.length < offset.data) {
    throw new DamagedStorage(place, `a record of at least ${offset.data} bytes`, `${record.length} bytes`);
  }
  const broken = brokenSeal(key, record);
  if (broken !== null) throw new DamagedStorage(place, broken.expected, broken.found);
  const version = record.readUInt8(offset.version);
  if (version !== recordVersion) throw new UnknownFormat(place, version, recordVersion);
  const type = record.readUInt8(offset.type);
  if (!isEntryType(type)) throw new UnknownFormat(`${place}, type of entry`, type, recordVersion);
  const term: Term = readIndex(record, offset.term);
  return {
    entry: { index, term, type, data: record.subarray(offset.data) },
    chain: chainValueOf(record),
  };
}

/** @throws DamagedStorage when `record` does not continue the history that ended with `previous`. */
export function verifyChain(directory: string, record: Buffer, index: Index, previous: ChainValue): void {
  const stored = record.readUInt32BE(offset.previous);
  if (stored !== previous) {
    throw new DamagedStorage(
      placeOf(directory, index),
      `a record that follows chain value ${hex(previous)} of entry ${index - 1}`,
      `one that follows ${hex(stored)}`,
    );
  }
}

function placeOf(directory: string, index: Index): string {
  return `${directory}, log entry ${index}`;
}

function isEntryType(type: number): type is EntryType {
  return entryTypes.has(type);
}
