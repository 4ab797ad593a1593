/**
 * LevelDB against its twin in memory: the same random batches, reopenings and reads go to both, and every
 * answer must be the same.
 */
import { join } from "node:path";
import type { Storage, WriteBatch } from "@quorate/raft";
import { type Entry, EntryType, type Restored } from "@quorate/raft/core";
import { openLevelStorage } from "@quorate/raft/level";
import { MemoryDisk } from "@quorate/raft/memory";
import fc from "fast-check";
import { expect, test } from "vitest";
import { membershipEntry, membershipOf, plain, temporaryDirectory } from "./storage-harness.js";

/** Numbers from which a valid batch is made, whatever the log is at that moment. */
interface Intent {
  readonly reopen: boolean;
  readonly keep: number;
  readonly entries: readonly { readonly termStep: number; readonly kind: number; readonly size: number }[];
  readonly termStep: number;
  readonly vote: number;
  readonly apply: number;
  readonly compact: number;
  readonly effects: readonly (readonly [key: number, value: number | null])[];
}

const small = (max: number) => fc.integer({ min: 0, max });
/** A share of what is possible: 0 nothing, 1 all of it. */
const share = fc.double({ min: 0, max: 1, noNaN: true });
const intent: fc.Arbitrary<Intent> = fc.record({
  reopen: fc.boolean(),
  keep: share,
  entries: fc.array(fc.record({ termStep: small(1), kind: small(5), size: small(300) }), { maxLength: 6 }),
  termStep: small(2),
  vote: small(3),
  apply: share,
  compact: share,
  effects: fc.array(fc.tuple(small(20), fc.option(small(1000), { nil: null })), { maxLength: 5 }),
});

interface Log {
  readonly first: number;
  readonly last: number;
  readonly term: number;
  readonly applied: number;
  readonly termAt: (index: number) => number;
}

function batchFrom(log: Log, intent: Intent): WriteBatch {
  // An entry is cut off now and then, never an applied one.
  const keep =
    intent.keep > 0.7 ? Math.round(log.applied + (log.last - log.applied) * (1 - intent.keep)) : log.last;
  let term = Math.max(1, log.termAt(keep));
  const entries: Entry[] = intent.entries.map(({ termStep, kind, size }, offset) => {
    term += termStep;
    const index = keep + 1 + offset;
    if (kind === 0)
      return membershipEntry(index, term, membershipOf(...["n1", "n2", "n3"].slice(0, 1 + (size % 3))));
    if (kind === 1) return { index, term, type: EntryType.noOp, data: new Uint8Array() };
    return { index, term, type: EntryType.application, data: new Uint8Array(size).fill(index) };
  });
  const last = entries.at(-1)?.index ?? log.last;
  const applied = log.applied + Math.floor((last - log.applied) * intent.apply);
  return {
    chunk: null,
    install: null,
    hardState: {
      term: Math.max(log.term, term) + intent.termStep,
      vote: intent.vote === 0 ? null : `n${intent.vote}`,
      commit: applied,
    },
    entries,
    compactTo:
      intent.compact > 0.6 ? log.first - 1 + Math.floor((applied - log.first + 1) * intent.compact) : 0,
    effects: intent.effects.map(([key, value]) => ({
      key: Uint8Array.of(...(key % 2 === 0 ? [key] : [key, 0, key])),
      value: value === null ? null : new Uint8Array(value).fill(key),
    })),
    applied,
  };
}

async function content(storage: Storage): Promise<unknown> {
  const snapshot = storage.snapshot();
  const pairs = await snapshot.scan({});
  const reverse = await snapshot.scan({
    reverse: true,
    limit: 3,
    gt: Uint8Array.of(2),
    lte: Uint8Array.of(15),
  });
  await snapshot.close();
  const inHex = (list: typeof pairs) =>
    list.map((pair) => pair.map((part) => Buffer.from(part).toString("hex")));
  return { pairs: inHex(pairs), reverse: inHex(reverse) };
}

function comparable(restored: Restored): unknown {
  return { ...restored, tail: plain(restored.tail) };
}

test("random batches and reopenings leave LevelDB and memory equal", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(intent, { minLength: 1, maxLength: 25 }), async (intents) => {
      const { directory, dispose } = await temporaryDirectory();
      const disk = new MemoryDisk();
      const openBoth = async (mustExist: boolean): Promise<[Storage, Storage]> => [
        await openLevelStorage({ directory: join(directory, "db"), mustExist, maxTailBytes: 2000 }),
        disk.open({ maxTailBytes: 2000 }),
      ];
      let [level, memory] = await openBoth(false);
      try {
        for (const next of intents) {
          const { position } = disk;
          const first = position.compacted.index + 1;
          const batch = batchFrom(
            {
              first,
              last: position.last.index,
              term: position.term,
              applied: position.applied,
              termAt: (index) => disk.entry(index)?.term ?? position.compacted.term,
            },
            next,
          );
          await Promise.all([level.write(batch), memory.write(batch)]);
          if (next.reopen) {
            await level.close();
            await memory.close();
            [level, memory] = await openBoth(true);
            expect(comparable(level.restored)).toEqual(comparable(memory.restored));
          }
          expect(await content(level)).toEqual(await content(memory));
          const from = disk.position.compacted.index + 1;
          const to = disk.position.last.index;
          if (from <= to) {
            const maxBytes = next.entries.length * 100;
            const read = await level.readEntries(from, to, maxBytes);
            expect(plain(read)).toEqual(plain(await memory.readEntries(from, to, maxBytes)));
          }
        }
      } finally {
        await level.close();
        await memory.close();
        await dispose();
      }
    }),
    { numRuns: 60 },
  );
});
