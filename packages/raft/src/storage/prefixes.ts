/**
 * The one table of keys. Every key starts with one byte that says what it is; numbers follow as
 * big-endian unsigned 64-bit (indexes) and 32-bit (generations), so that byte order is numeric order.
 *
 * | First byte | Rest of the key             | Value                                                     |
 * |------------|-----------------------------|-----------------------------------------------------------|
 * | 00         |                             | format: u32, 1                                            |
 * | 01         |                             | generations: log u32, state u32                           |
 * | 02         |                             | hard state: term, commit, vote                            |
 * | 03         |                             | applied: index that the state includes                    |
 * | 04         |                             | compacted: last entry cut away (index, term, chain value) |
 * | 05         |                             | last: last entry of the log (index, term, chain value)    |
 * | 06         |                             | batch: number of the last batch, compared with the anchor |
 * | 07         |                             | incoming: a snapshot that is being received               |
| 10         | log generation, index       | log record                                                |
 * | 11         | log generation, index       | membership entry's data, kept beyond its log record       |
 * | 20         | state generation, state key | state-machine value                                       |
 *
 * All values but `format` carry a checksum that covers their key too (`sealed.ts`). Log and state lie
 * under generations so that a whole log or state can be exchanged by one small write; what is left of an
 * older generation is never read.
 */
import type { Index } from "../core/index.js";

/** Version of the table above and of every value in it. */
export const formatVersion = 1;

const prefix = {
  format: 0x00,
  generations: 0x01,
  hardState: 0x02,
  applied: 0x03,
  compacted: 0x04,
  last: 0x05,
  batch: 0x06,
  incoming: 0x07,
  log: 0x10,
  membership: 0x11,
  state: 0x20,
} as const;

export const formatKey: Buffer = Buffer.from([prefix.format]);
export const generationsKey: Buffer = Buffer.from([prefix.generations]);
export const hardStateKey: Buffer = Buffer.from([prefix.hardState]);
export const appliedKey: Buffer = Buffer.from([prefix.applied]);
export const compactedKey: Buffer = Buffer.from([prefix.compacted]);
export const lastKey: Buffer = Buffer.from([prefix.last]);
export const batchKey: Buffer = Buffer.from([prefix.batch]);

export const incomingKey: Buffer = Buffer.from([prefix.incoming]);

export interface Generations {
  readonly log: number;
  readonly state: number;
}

const generationLength = 1 + 4;
const indexedLength = generationLength + 8;

export function logKey(generation: number, index: Index): Buffer {
  return indexedKey(prefix.log, generation, index);
}

export function membershipKey(generation: number, index: Index): Buffer {
  return indexedKey(prefix.membership, generation, index);
}

export function stateKey(generation: number, key: Uint8Array): Buffer {
  const result = Buffer.allocUnsafe(generationLength + key.length);
  result[0] = prefix.state;
  result.writeUInt32BE(generation, 1);
  result.set(key, generationLength);
  return result;
}

/** First key behind all state keys of `generation`. */
export function stateEnd(generation: number): Buffer {
  return stateKey(generation + 1, Buffer.alloc(0));
}

/** The index in a key made by `logKey` or `membershipKey`. */
export function indexOfKey(key: Buffer): Index {
  return readIndex(key, generationLength);
}

/** The state machine's own part of a key made by `stateKey`. */
export function stateKeyOf(key: Buffer): Buffer {
  return key.subarray(generationLength);
}

/** The generation in a key made by `logKey`, `membershipKey` or `stateKey`. */
export function generationOfKey(key: Buffer): number {
  return key.readUInt32BE(1);
}

/** What lies under generations. */
export const generationKinds = ["log", "membership", "state"] as const;
export type GenerationKind = (typeof generationKinds)[number];

/** Bounds of all keys of one kind from one generation up to, and without, another one. */
export function generationRange(kind: GenerationKind, from: number, to: number): { gte: Buffer; lt: Buffer } {
  return { gte: generationStart(kind, from), lt: generationStart(kind, to) };
}

function generationStart(kind: GenerationKind, generation: number): Buffer {
  const key = Buffer.allocUnsafe(generationLength);
  key[0] = prefix[kind];
  key.writeUInt32BE(generation, 1);
  return key;
}

/** Bounds of all keys of one kind in one generation, as iterator options. */
export function logRange(generation: number, from: Index): { gte: Buffer; lt: Buffer } {
  return { gte: logKey(generation, from), lt: logKey(generation + 1, 0) };
}

export function membershipRange(generation: number): { gte: Buffer; lt: Buffer } {
  return { gte: membershipKey(generation, 0), lt: membershipKey(generation + 1, 0) };
}

function indexedKey(kind: number, generation: number, index: Index): Buffer {
  const key = Buffer.allocUnsafe(indexedLength);
  key[0] = kind;
  key.writeUInt32BE(generation, 1);
  writeIndex(key, index, generationLength);
  return key;
}

/** Writes a safe integer as big-endian u64. Two 32-bit halves: no BigInt is made per entry. */
export function writeIndex(target: Buffer, value: number, offset: number): void {
  target.writeUInt32BE(Math.floor(value / 0x1_0000_0000), offset);
  target.writeUInt32BE(value % 0x1_0000_0000, offset + 4);
}

/** Reads what `writeIndex` wrote. Beyond 2^53 the result is inexact and fails every later check. */
export function readIndex(source: Buffer, offset: number): number {
  return source.readUInt32BE(offset) * 0x1_0000_0000 + source.readUInt32BE(offset + 4);
}
