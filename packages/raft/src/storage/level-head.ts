/** What the state at one pinned moment of the database is of. */
import {
  decodeMembership,
  type Index,
  type PlacedMembership,
  type SnapshotHead,
  type Term,
} from "../core/index.js";
import { DamagedStorage } from "./errors.js";
import { decodeApplied, decodeCompacted } from "./fixed-records.js";
import { failure } from "./level-errors.js";
import type { PinnedMoment } from "./level-view.js";
import { decodeLogRecord } from "./log-record.js";
import {
  appliedKey,
  compactedKey,
  type Generations,
  indexOfKey,
  logKey,
  membershipKey,
  membershipRange,
} from "./prefixes.js";
import { brokenSeal, sealLength } from "./sealed.js";

/** @throws DamagedStorage, StorageFailed */
export async function readHead(
  directory: string,
  generations: Generations,
  moment: PinnedMoment,
): Promise<SnapshotHead> {
  const { database, snapshot } = moment.share();
  try {
    const index = decodeApplied(directory, database.getSync(appliedKey, { snapshot }));
    const compacted = decodeCompacted(directory, database.getSync(compactedKey, { snapshot }));
    const term = index === compacted.index ? compacted.term : termAt(directory, generations, moment, index);
    return { last: { index, term }, membership: await membershipAt(directory, generations, moment, index) };
  } catch (error) {
    throw failure("read what the state includes", directory, error);
  } finally {
    await moment.release();
  }
}

function termAt(directory: string, generations: Generations, moment: PinnedMoment, index: Index): Term {
  const key = logKey(generations.log, index);
  const record = moment.database.getSync(key, { snapshot: moment.snapshot });
  if (record === undefined) throw new DamagedStorage(`${directory}, log`, `entry ${index}`, "no such entry");
  return decodeLogRecord(directory, key, record, index).entry.term;
}

/** The newest one that the state includes; later ones in the log are not decided, or not executed. */
async function membershipAt(
  directory: string,
  generations: Generations,
  { database, snapshot }: PinnedMoment,
  applied: Index,
): Promise<PlacedMembership> {
  const { gte } = membershipRange(generations.log);
  const lt = membershipKey(generations.log, applied + 1);
  const [found] = await database.iterator({ gte, lt, reverse: true, limit: 1, snapshot }).all();
  const place = `${directory}, membership at ${applied}`;
  if (found === undefined) throw new DamagedStorage(place, "a record", "none");
  const [key, value] = found;
  const broken = brokenSeal(key, value);
  if (broken !== null) throw new DamagedStorage(place, broken.expected, broken.found);
  return { index: indexOfKey(key), membership: decodeMembership(value.subarray(sealLength)) };
}
