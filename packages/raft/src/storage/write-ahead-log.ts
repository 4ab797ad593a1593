/**
 * Reads LevelDB's write-ahead logs before LevelDB does. On a bad checksum LevelDB drops the rest of the
 * block and goes on, so a batch in the middle may vanish while later ones are replayed. Here that is damage.
 *
 * Batches are checked too: whole, and each following the one before.
 *
 * A bad record with no beginning of another batch behind it may be the end of an unacknowledged write that
 * a power loss tore: it passes, and the anchor decides whether something acknowledged is missing.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DamagedStorage } from "./errors.js";
import { nextRecordOffset, readLog } from "./log-format.js";
import { VarintReader } from "./varint.js";

const batchHeaderLength = 12;

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
  let sequence: bigint | null = null;
  const fault = readLog(content, (batch) => {
    const next = sequenceBehind(batch);
    if (next === null) return "an incomplete batch";
    if (sequence !== null && batch.readBigUInt64LE(0) !== sequence) {
      return "a batch that does not follow the one before";
    }
    sequence = next;
    return null;
  });
  if (fault === null) return;
  const next = nextRecordOffset(content, fault.offset);
  if (fault.maybeTorn && next === null) return;
  const follows = next === null ? "" : `, and a later batch at offset ${next}`;
  throw new DamagedStorage(`${path}, offset ${fault.offset}`, "a sound record", `${fault.found}${follows}`);
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
  const reader = new VarintReader(batch, batchHeaderLength);
  for (let operation = 0; operation < count; operation++) {
    const type = reader.byte();
    if (type !== 0 && type !== 1) return null;
    for (let part = 0; part <= type; part++) if (reader.bytes() === null) return null;
  }
  return reader.atEnd ? batch.readBigUInt64LE(0) + BigInt(count) : null;
}
