/**
 * What every batch must keep, whichever storage it goes to. The core keeps these rules; they are checked
 * again here because a batch that breaks one would make the disk contradict itself for ever.
 */
import {
  type Entry,
  EntryType,
  type Index,
  type LogId,
  type SnapshotHead,
  type SnapshotOffer,
  type Term,
} from "../core/index.js";
import type { IncomingSnapshot, SnapshotCursor, WriteBatch } from "../ports/index.js";
import { StorageMisuse } from "./errors.js";

/** What is durable right now, as far as the rules need it. */
export interface DurablePosition {
  readonly compacted: LogId;
  readonly last: LogId;
  /** Term of the hard state. */
  readonly term: Term;
  readonly commit: Index;
  readonly applied: Index;
}

const entryTypes: ReadonlySet<number> = new Set(Object.values(EntryType));

/**
 * @param termAt term of a durable entry, or of the compaction mark
 * @returns the position once the batch is durable
 * @throws StorageMisuse; nothing was written then
 */
export function positionAfter(
  position: DurablePosition,
  batch: WriteBatch,
  termAt: (index: Index) => Term,
): DurablePosition {
  if (batch.install !== null) return positionAfterInstall(position, batch, batch.install);
  const last = lastAfter(position, batch.entries, termAt);
  const hardState = batch.hardState ?? position;
  requireIndex("hard state term", hardState.term);
  requireIndex("hard state commit", hardState.commit);
  ensure(
    hardState.term >= position.term,
    () => `hard state term falls from ${position.term} to ${hardState.term}`,
  );
  ensure(
    hardState.term >= last.term,
    () => `last entry has term ${last.term}, the hard state only ${hardState.term}`,
  );
  ensure(
    hardState.commit <= last.index,
    () => `commit ${hardState.commit} is beyond the last entry ${last.index}`,
  );

  const applied = batch.applied ?? position.applied;
  requireIndex("applied", applied);
  ensure(applied >= position.applied, () => `applied falls from ${position.applied} to ${applied}`);
  ensure(applied <= last.index, () => `applied ${applied} is beyond the last entry ${last.index}`);
  ensure(
    batch.effects.length === 0 || batch.applied !== null,
    () => "effects without the applied index that they belong to",
  );

  requireIndex("compactTo", batch.compactTo);
  ensure(
    batch.compactTo <= applied,
    () => `compactTo ${batch.compactTo} is beyond the durable applied index ${applied}`,
  );
  const compacted =
    batch.compactTo <= position.compacted.index
      ? position.compacted
      : { index: batch.compactTo, term: termAfter(batch.entries, batch.compactTo, termAt) };
  return { compacted, last, term: hardState.term, commit: hardState.commit, applied };
}

function positionAfterInstall(
  position: DurablePosition,
  batch: WriteBatch,
  head: SnapshotHead,
): DurablePosition {
  const { last, membership } = head;
  const { term, commit } = batch.hardState ?? position;
  requireIndex("snapshot's index", last.index);
  const alone =
    batch.entries.length === 0 &&
    batch.compactTo === 0 &&
    batch.effects.length === 0 &&
    batch.applied === null &&
    batch.chunk === null;
  ensure(alone, () => "a snapshot is installed together with something else than a hard state");
  ensure(
    last.index > position.applied,
    () => `a snapshot of index ${last.index} would take the state back from ${position.applied}`,
  );
  ensure(term >= position.term, () => `hard state term falls from ${position.term} to ${term}`);
  ensure(term >= last.term, () => `the snapshot has term ${last.term}, the hard state only ${term}`);
  ensure(commit <= last.index, () => `commit ${commit} is beyond the snapshot's last entry ${last.index}`);
  ensure(
    membership.index <= last.index,
    () => `the membership of entry ${membership.index} is not in a snapshot of index ${last.index}`,
  );
  return { compacted: last, last, term, commit, applied: last.index };
}

/**
 * A part of a snapshot that the state has passed meanwhile is of no use, and is ignored.
 *
 * @param applied what is durably applied
 * @throws StorageMisuse unless the batch's part continues what was received, or the batch installs all of it
 */
export function requireContinuation(
  incoming: IncomingSnapshot | null,
  applied: Index,
  { chunk, install }: WriteBatch,
): void {
  if (install !== null) {
    const { index, term } = install.last;
    const received = incoming?.complete === true ? incoming.snapshot.last : null;
    ensure(
      received?.index === index && received.term === term,
      () => `a snapshot of entry ${index} of term ${term} is installed that was not received completely`,
    );
  }
  if (chunk === null || chunk.snapshot.last.index <= applied) return;
  let before = chunk.after?.key ?? null;
  for (const [key] of chunk.pairs) {
    ensure(
      before === null || Buffer.compare(before, key) < 0,
      () => "the keys of a snapshot's part must ascend",
    );
    before = key;
  }
  if (chunk.after === null) return;
  ensure(
    incoming !== null &&
      isSameSnapshot(incoming.snapshot, chunk.snapshot) &&
      isSameCursor(incoming.cursor, chunk.after),
    () => "a snapshot's part does not continue what was received",
  );
}

export function isSameSnapshot(a: SnapshotOffer, b: SnapshotOffer): boolean {
  return a.from === b.from && a.last.index === b.last.index && a.last.term === b.last.term;
}

function isSameCursor(a: SnapshotCursor, b: SnapshotCursor): boolean {
  return a.check === b.check && Buffer.compare(a.key, b.key) === 0;
}

function lastAfter(
  position: DurablePosition,
  entries: readonly Entry[],
  termAt: (index: Index) => Term,
): LogId {
  const first = entries[0];
  if (first === undefined) return position.last;
  requireIndex("entry index", first.index);
  ensure(
    first.index > position.compacted.index && first.index <= position.last.index + 1,
    () =>
      `entry ${first.index} neither follows nor replaces one of ${position.compacted.index + 1}…${position.last.index}`,
  );
  ensure(
    first.index > position.applied,
    () => `entry ${first.index} would replace an applied entry (applied is ${position.applied})`,
  );
  let before: LogId = { index: first.index - 1, term: termAt(first.index - 1) };
  for (const entry of entries) {
    const { index, term } = before;
    ensure(entry.index === index + 1, () => `entry ${entry.index} follows entry ${index}`);
    requireIndex("entry term", entry.term);
    ensure(
      entry.term >= term && entry.term > 0,
      () => `entry ${entry.index} has term ${entry.term} after term ${term}`,
    );
    ensure(entryTypes.has(entry.type), () => `entry ${entry.index} has unknown type ${entry.type}`);
    before = entry;
  }
  return { index: before.index, term: before.term };
}

/** Term of an entry as of after the batch: its own entries win over those on disk. */
function termAfter(entries: readonly Entry[], index: Index, termAt: (index: Index) => Term): Term {
  return entryIn(entries, index)?.term ?? termAt(index);
}

/** The entry with `index` among contiguous `entries`. */
export function entryIn(entries: readonly Entry[], index: Index): Entry | undefined {
  const first = entries[0];
  return first === undefined ? undefined : entries[index - first.index];
}

/** @throws StorageMisuse unless `from`…`to` are entries of the log. */
export function requireReadable(position: DurablePosition, from: Index, to: Index): void {
  ensure(
    Number.isSafeInteger(from) && Number.isSafeInteger(to) && from <= to,
    () => `no range of entries: ${from}…${to}`,
  );
  ensure(
    from > position.compacted.index && to <= position.last.index,
    () =>
      `entries ${from}…${to} wanted, the log holds ${position.compacted.index + 1}…${position.last.index}`,
  );
}

function requireIndex(what: string, value: number): void {
  ensure(
    Number.isSafeInteger(value) && value >= 0,
    () => `${what} is ${value}, not a safe integer from 0 up`,
  );
}

export function ensure(condition: boolean, message: () => string): void {
  if (!condition) throw new StorageMisuse(message());
}
