/** Reads a database from end to end when it is opened, believing nothing. */
import { decodeMembership, EntryType, type HardState, type Index, type Restored } from "../core/index.js";
import { DamagedStorage, UnknownFormat } from "./errors.js";
import {
  type ChainedLogId,
  decodeApplied,
  decodeBatchNumber,
  decodeCompacted,
  decodeGenerations,
  decodeHardState,
  decodeLast,
  encodeApplied,
  encodeBatchNumber,
  encodeCompacted,
  encodeGenerations,
  encodeHardState,
  encodeLast,
} from "./fixed-records.js";
import { chunkBytes, chunkLength, type Database } from "./level-view.js";
import { decodeLogRecord, verifyChain } from "./log-record.js";
import {
  appliedKey,
  batchKey,
  compactedKey,
  formatKey,
  formatVersion,
  type Generations,
  generationsKey,
  hardStateKey,
  indexOfKey,
  lastKey,
  logRange,
  membershipRange,
} from "./prefixes.js";
import { RestoredLog } from "./restored-log.js";
import { brokenSeal, sealLength } from "./sealed.js";
import { SpareGenerations } from "./spare-generations.js";

export interface LoadedDatabase {
  readonly restored: Restored;
  readonly generations: Generations;
  /** Number of the last batch. */
  readonly batchNumber: number;
  readonly compacted: ChainedLogId;
  readonly last: ChainedLogId;
  /** Indexes of all stored membership entries, ascending. */
  readonly memberships: readonly Index[];
  /** First log record that compaction left behind for the sweep; `compacted.index + 1` when there is none. */
  readonly sweepFrom: Index;
  readonly spare: SpareGenerations;
}

const nothing: ChainedLogId = { index: 0, term: 0, chain: 0 };

/** Writes the records that every database holds, in one synced batch: from then on a missing one is damage. */
export async function initialize(database: Database): Promise<void> {
  const format = Buffer.alloc(4);
  format.writeUInt32BE(formatVersion);
  await database
    .batch()
    .put(formatKey, format)
    .put(generationsKey, encodeGenerations({ log: 1, state: 1 }))
    .put(hardStateKey, encodeHardState({ term: 0, vote: null, commit: 0 }))
    .put(appliedKey, encodeApplied(0))
    .put(compactedKey, encodeCompacted(nothing))
    .put(lastKey, encodeLast(nothing))
    .put(batchKey, encodeBatchNumber(0))
    .write({ sync: true });
}

/** True when the database holds no key at all: it was created just now, or its creation was cut short. */
export async function isEmpty(database: Database): Promise<boolean> {
  const keys = await database.keys({ limit: 1 }).all();
  return keys.length === 0;
}

/** @throws DamagedStorage, UnknownFormat; LevelDB's own errors pass through */
export async function load(
  database: Database,
  directory: string,
  maxTailBytes: number,
): Promise<LoadedDatabase> {
  requireFormat(directory, database.getSync(formatKey));
  const generations = decodeGenerations(directory, database.getSync(generationsKey));
  const hardState = decodeHardState(directory, database.getSync(hardStateKey));
  const applied = decodeApplied(directory, database.getSync(appliedKey));
  const compacted = decodeCompacted(directory, database.getSync(compactedKey));
  const last = decodeLast(directory, database.getSync(lastKey));
  const batchNumber = decodeBatchNumber(directory, database.getSync(batchKey));

  const log = new RestoredLog(compacted, maxTailBytes);
  const membershipEntries = await scanLog(database, directory, generations, compacted, last, log);
  const memberships = await loadMemberships(database, directory, generations, compacted, membershipEntries);
  requireAgreement(directory, hardState, applied, compacted, last);

  const [latest, before] = [...memberships]
    .slice(-2)
    .reverse()
    .map(([index, data]) => ({ index, membership: readMembership(directory, index, data) }));
  return {
    restored: {
      hardState,
      compacted: { index: compacted.index, term: compacted.term },
      terms: log.terms,
      tail: log.tail(),
      last: log.last,
      membership: latest ?? null,
      ...(before && { membershipBefore: before }),
      applied,
      logBytes: log.bytes,
      ...(log.voids.length > 0 && { voids: log.voids }),
    },
    generations,
    batchNumber,
    compacted,
    last,
    memberships: [...memberships.keys()],
    sweepFrom: await firstRecord(database, generations, compacted.index + 1),
    spare: await SpareGenerations.load(database, directory, generations),
  };
}

function requireFormat(directory: string, value: Buffer | undefined): void {
  const place = `${directory}, format`;
  if (value === undefined) throw new DamagedStorage(place, `a record with ${formatVersion}`, "none");
  if (value.length !== 4) throw new DamagedStorage(place, "4 bytes", `${value.length} bytes`);
  const found = value.readUInt32BE();
  if (found !== formatVersion) throw new UnknownFormat(directory, found, formatVersion);
}

/** Fills `log`; returns the membership entries met on the way. */
async function scanLog(
  database: Database,
  directory: string,
  generations: Generations,
  compacted: ChainedLogId,
  last: ChainedLogId,
  log: RestoredLog,
): Promise<Map<Index, Uint8Array>> {
  const memberships = new Map<Index, Uint8Array>();
  let chain = compacted.chain;
  const records = database.iterator({
    ...logRange(generations.log, compacted.index + 1),
    fillCache: false,
    highWaterMarkBytes: chunkBytes,
  });
  try {
    for (;;) {
      const chunk = await records.nextv(chunkLength);
      if (chunk.length === 0) break;
      for (const [key, record] of chunk) {
        const index = indexOfKey(key);
        if (index !== log.next) {
          throw new DamagedStorage(
            `${directory}, log`,
            `entry ${log.next} after entry ${log.last.index}`,
            `entry ${index}`,
          );
        }
        const { entry, chain: next } = decodeLogRecord(directory, key, record, index);
        verifyChain(directory, record, index, chain);
        if (entry.term < log.last.term || entry.term === 0) {
          throw new DamagedStorage(
            `${directory}, log entry ${index}`,
            `a term of at least ${Math.max(1, log.last.term)}`,
            `term ${entry.term}`,
          );
        }
        if (entry.type === EntryType.membership) memberships.set(index, entry.data);
        log.add(entry);
        chain = next;
      }
    }
  } finally {
    await records.close();
  }
  if (log.last.index !== last.index || log.last.term !== last.term || chain !== last.chain) {
    throw new DamagedStorage(
      `${directory}, log`,
      `last entry ${named(last)}`,
      `last entry ${named({ ...log.last, chain })}`,
    );
  }
  return memberships;
}

/** All stored membership entries, ascending: those of the log, and the newest one that compaction cut away. */
async function loadMemberships(
  database: Database,
  directory: string,
  generations: Generations,
  compacted: ChainedLogId,
  inLog: ReadonlyMap<Index, Uint8Array>,
): Promise<Map<Index, Uint8Array>> {
  const memberships = new Map<Index, Uint8Array>();
  const records = await database.iterator(membershipRange(generations.log)).all();
  for (const [key, value] of records) {
    const index = indexOfKey(key);
    const broken = brokenSeal(key, value);
    if (broken !== null)
      throw new DamagedStorage(`${directory}, membership ${index}`, broken.expected, broken.found);
    const data = value.subarray(sealLength);
    const entry = inLog.get(index);
    if (index > compacted.index && (entry === undefined || !data.equals(entry))) {
      throw new DamagedStorage(
        `${directory}, membership ${index}`,
        `the data of log entry ${index}`,
        "other data",
      );
    }
    memberships.set(index, data);
  }
  for (const index of inLog.keys()) {
    if (!memberships.has(index))
      throw new DamagedStorage(`${directory}, membership ${index}`, "a record", "none");
  }
  return memberships;
}

function readMembership(directory: string, index: Index, data: Uint8Array) {
  try {
    return decodeMembership(data);
  } catch (error) {
    throw new DamagedStorage(`${directory}, membership ${index}`, "an encoded membership", String(error), {
      cause: error,
    });
  }
}

function requireAgreement(
  directory: string,
  hardState: HardState,
  applied: Index,
  compacted: ChainedLogId,
  last: ChainedLogId,
): void {
  if (hardState.term < last.term) {
    throw new DamagedStorage(
      `${directory}, hard state`,
      `a term of at least ${last.term}, that of the last entry`,
      `term ${hardState.term}`,
    );
  }
  if (hardState.commit > last.index) {
    throw new DamagedStorage(
      `${directory}, log`,
      `entries up to ${hardState.commit}, the stored commit index`,
      `a last entry ${last.index}`,
    );
  }
  if (applied > last.index || applied < compacted.index) {
    throw new DamagedStorage(
      `${directory}, applied index`,
      `an index between ${compacted.index} (compacted) and ${last.index} (last entry)`,
      `${applied}`,
    );
  }
}

async function firstRecord(database: Database, generations: Generations, otherwise: Index): Promise<Index> {
  const [key] = await database.keys({ ...logRange(generations.log, 0), limit: 1 }).all();
  return key === undefined ? otherwise : Math.min(otherwise, indexOfKey(key));
}

function named(id: ChainedLogId): string {
  return `${id.index} of term ${id.term} with chain value ${id.chain.toString(16)}`;
}
