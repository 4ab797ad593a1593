/**
 * Reads LevelDB's write-ahead logs before LevelDB does. On a bad checksum LevelDB drops the rest of the
 * block and goes on, so a batch in the middle may vanish while later ones are replayed. Here that is damage.
 *
 * Format (LevelDB, `doc/log_format.md`): blocks of 32 KiB; records of
 * `masked CRC-32C u32 | length u16 | type u8 | data`, little-endian, types full 1, first 2, middle 3,
 * last 4; a block's last bytes are zero when no header fits.
 *
 * Batches are checked too: whole, and each following the one before.
 *
 * A bad record with no beginning of another batch behind it may be the end of an unacknowledged write that
 * a power loss tore: it passes, and the anchor decides whether something acknowledged is missing.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DamagedStorage } from "./errors.js";

const blockLength = 32 * 1024;
const headerLength = 7;
const batchHeaderLength = 12;
const recordType = { full: 1, first: 2, middle: 3, last: 4 } as const;

interface LogRecord {
  readonly type: number;
  readonly data: Buffer;
  /** Offset of the byte behind the record. */
  readonly end: number;
}

interface Fault {
  readonly offset: number;
  readonly found: string;
  /** A write that was cut off may look like this. */
  readonly maybeTorn: boolean;
}

/** @throws DamagedStorage naming the file and the offset of the first fault */
export function verifyWriteAheadLogs(directory: string): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    // A process that still runs on this folder may have deleted it since; LevelDB's lock will tell.
    if (/^\d+\.log$/.test(name) && existsSync(path)) verifyWriteAheadLog(path);
  }
}

function verifyWriteAheadLog(path: string): void {
  const content = readFileSync(path);
  const fault = firstFault(content);
  if (fault === null) return;
  const next = nextBatchOffset(content, fault.offset);
  if (fault.maybeTorn && next === null) return;
  const follows = next === null ? "" : `, and a later batch at offset ${next}`;
  throw new DamagedStorage(`${path}, offset ${fault.offset}`, "a sound record", `${fault.found}${follows}`);
}

/** Null when every batch is sound up to the end of the file. */
function firstFault(content: Buffer): Fault | null {
  let offset = 0;
  let pieces: Buffer[] = [];
  let sequence: bigint | null = null;
  while (offset < content.length) {
    const left = blockLength - (offset % blockLength);
    if (left < headerLength) {
      offset += left;
      continue;
    }
    const record = recordAt(content, offset);
    if (record === null) return { offset, found: "a bad checksum or header", maybeTorn: true };
    // From here on every byte is as LevelDB wrote it: what does not fit together was not torn.
    const continues = record.type === recordType.middle || record.type === recordType.last;
    if (continues !== pieces.length > 0)
      return { offset, found: "a piece of another batch", maybeTorn: false };
    pieces.push(record.data);
    if (record.type === recordType.full || record.type === recordType.last) {
      const batch = pieces.length === 1 ? record.data : Buffer.concat(pieces);
      const next = sequenceBehind(batch);
      if (next === null) return { offset, found: "an incomplete batch", maybeTorn: false };
      if (sequence !== null && batch.readBigUInt64LE(0) !== sequence) {
        return { offset, found: "a batch that does not follow the one before", maybeTorn: false };
      }
      sequence = next;
      pieces = [];
    }
    offset = record.end;
  }
  return null;
}

/**
 * A batch is `sequence u64 | count u32`, then `count` operations, each taking one sequence number:
 * `0 | key` deletes, `1 | key | value` puts, key and value after their lengths as varints.
 *
 * @returns the sequence number of the next batch; null when the batch is not whole
 */
function sequenceBehind(batch: Buffer): bigint | null {
  if (batch.length < batchHeaderLength) return null;
  const count = batch.readUInt32LE(8);
  let offset = batchHeaderLength;
  for (let operation = 0; operation < count; operation++) {
    const type = batch[offset++];
    if (type !== 0 && type !== 1) return null;
    for (let part = 0; part <= type; part++) {
      let length = 0;
      let scale = 1;
      for (;;) {
        const byte = batch[offset++];
        if (byte === undefined) return null;
        length += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
        scale *= 0x80;
      }
      offset += length;
    }
  }
  return offset === batch.length ? batch.readBigUInt64LE(0) + BigInt(count) : null;
}

/** Where a batch begins behind `bad`; a middle or last piece alone may belong to the same torn write. */
function nextBatchOffset(content: Buffer, bad: number): number | null {
  for (let offset = bad + 1; offset + headerLength <= content.length; offset++) {
    const type = content[offset + 6];
    if (type !== recordType.full && type !== recordType.first) continue;
    if (recordAt(content, offset) !== null) return offset;
  }
  return null;
}

function recordAt(content: Buffer, offset: number): LogRecord | null {
  const left = Math.min(blockLength - (offset % blockLength), content.length - offset);
  if (left < headerLength) return null;
  const length = content.readUInt16LE(offset + 4);
  const type = content.readUInt8(offset + 6);
  if (type < recordType.full || type > recordType.last || length > left - headerLength) return null;
  const end = offset + headerLength + length;
  if (content.readUInt32LE(offset) !== masked(crc32c(content, offset + 6, end))) return null;
  return { type, data: content.subarray(offset + headerLength, end), end };
}

/** LevelDB stores CRCs of data that may hold CRCs rotated and shifted (`util/crc32c.h`). */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `content[from…to)`. */
export function crc32c(content: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff;
  for (let offset = from; offset < to; offset++) {
    crc = (table[(crc ^ (content[offset] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
