import { describe, expect, test } from "vitest";
import { Log } from "./log.js";
import { entriesOfTerms, restoredOf, testingMembership } from "./testing-server.js";
import type { Restored, Term } from "./types.js";

function restored(terms: readonly Term[]): Restored {
  const hardState = { term: terms.at(-1) ?? 0, vote: null, commit: 0 };
  return restoredOf(testingMembership(["n1"]), entriesOfTerms(terms), hardState);
}

function logOf(terms: readonly Term[], cacheBytesMax = 1 << 20): Log {
  return new Log(restored(terms), cacheBytesMax, false);
}

function allTerms(log: Log): (Term | null)[] {
  return Array.from({ length: log.lastIndex }, (_, position) => log.termAt(position + 1));
}

describe("terms", () => {
  test("are known for every entry, and nothing beyond", () => {
    const terms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    const log = logOf(terms, 0);
    expect(allTerms(log)).toEqual(terms);
    expect([log.termAt(0), log.termAt(11), log.cacheFirst]).toEqual([0, null, 11]);
  });

  test.each([
    { index: 10, term: 6, at: { index: 10, term: 6 } },
    { index: 10, term: 5, at: { index: 7, term: 5 } },
    { index: 6, term: 5, at: { index: 6, term: 5 } },
    { index: 99, term: 4, at: { index: 5, term: 4 } },
    { index: 9, term: 3, at: { index: 3, term: 1 } },
    { index: 9, term: 0, at: { index: 0, term: 0 } },
  ])("the last entry at or before $index of at most term $term is $at", ({ index, term, at }) => {
    expect(logOf([1, 1, 1, 4, 4, 5, 5, 6, 6, 6]).lastAtMost(index, term)).toEqual(at);
  });

  test.each([
    { lastIndex: 3, lastTerm: 2, upToDate: true },
    { lastIndex: 2, lastTerm: 2, upToDate: false },
    { lastIndex: 1, lastTerm: 3, upToDate: true },
    { lastIndex: 9, lastTerm: 1, upToDate: false },
  ])("log [1,2,2] against ($lastTerm, $lastIndex): up to date $upToDate", (candidate) => {
    expect(logOf([1, 2, 2]).isUpToDate(candidate.lastIndex, candidate.lastTerm)).toBe(candidate.upToDate);
  });
});

test.each([1, 2, 3, 4, 5, 6, 7])("cut off from %i and appended to, the log is one log again", (from) => {
  const terms = [1, 1, 2, 2, 3, 3];
  const log = logOf(terms);
  log.truncateFrom(from);
  expect(allTerms(log)).toEqual(terms.slice(0, from - 1));
  expect([log.lastTerm, log.durable]).toEqual([terms[from - 2] ?? 0, from - 1]);
  const entry = { index: from, term: 7, type: 1 as const, data: new Uint8Array(3) };
  log.append(entry);
  expect(allTerms(log)).toEqual([...terms.slice(0, from - 1), 7]);
  expect(log.takeUnwritten(1)).toEqual([entry]);
  expect(log.slice(1, from, Infinity).map(({ term }) => term)).toEqual([...terms.slice(0, from - 1), 7]);
});

describe("memory", () => {
  test("holds what is not durable, however much that is, and drops the oldest afterwards", () => {
    const log = logOf([], 200);
    for (let index = 1; index <= 10; index++)
      log.append({ index, term: 1, type: 1, data: new Uint8Array(36) });
    expect(log.cacheFirst).toBe(1);
    log.takeUnwritten(1);
    expect(log.stored(1)).toBe(true);
    expect([log.durable, log.cacheFirst]).toEqual([10, 9]);
    expect(() => log.slice(8, 10, Infinity)).toThrow("entries are read that are not in memory");
  });

  test("a slice ends before it exceeds the limit, and holds at least one entry", () => {
    const log = logOf([1, 1, 1, 1]);
    expect(log.slice(1, 4, 0)).toHaveLength(1);
    expect(log.slice(1, 4, 140)).toHaveLength(2);
    expect(log.slice(1, 3, Infinity)).toHaveLength(3);
  });

  test("ten thousand entries come and go; what is left is exact", () => {
    const log = logOf([], 1000);
    for (let index = 1; index <= 10_000; index++) {
      log.append({ index, term: 1 + Math.floor(index / 100), type: 1, data: new Uint8Array(36) });
      log.takeUnwritten(index);
      log.stored(index);
    }
    expect(log.slice(log.cacheFirst, log.lastIndex, Infinity).map(({ index }) => index)).toEqual(
      Array.from({ length: 10 }, (_, position) => 9991 + position),
    );
    log.compactTo(5000);
    expect([log.firstIndex, log.termAt(4999), log.termAt(5000), log.termAt(5001)]).toEqual([
      5001,
      null,
      51,
      51,
    ]);
  });
});

describe("writes", () => {
  const entry = (index: number, term: Term) => ({ index, term, type: 1 as const, data: new Uint8Array() });

  test("a write counts up to what is left of its entries", () => {
    const log = logOf([1]);
    for (const index of [2, 3, 4]) log.append(entry(index, 1));
    log.takeUnwritten(1);
    log.truncateFrom(3);
    log.append(entry(3, 2));
    expect([log.ticketCovering(1, 2), log.ticketCovering(2, 2), log.ticketCovering(3, 2)]).toEqual([0, 1, 2]);
    log.stored(1);
    expect(log.durable).toBe(2);
    expect(log.unwrittenReplaces).toBe(true);
    expect(log.takeUnwritten(2)).toEqual([entry(3, 2)]);
    log.stored(2);
    expect([log.durable, log.hasUnwritten, log.unwrittenReplaces]).toEqual([3, false, false]);
  });

  test("the same entries cut off and written again are not durable before the second write", () => {
    const log = logOf([1]);
    log.append(entry(2, 2));
    log.takeUnwritten(1);
    log.truncateFrom(2);
    log.append(entry(2, 2));
    log.stored(1);
    expect(log.durable).toBe(1);
  });

  test("only durable entries are compacted, and never cut off afterwards", () => {
    const log = logOf([1, 1, 2]);
    log.append(entry(4, 2));
    expect(() => log.compactTo(4)).toThrow("only durable entries are compacted");
    log.compactTo(3);
    expect([log.firstIndex, log.termAt(3), log.lastAtMost(4, 1)]).toEqual([4, 2, { index: 3, term: 2 }]);
    expect(() => log.truncateFrom(3)).toThrow("a compacted entry is cut off");
  });

  test.each([
    { why: "a gap", index: 3, term: 1 },
    { why: "a falling term", index: 2, term: 0 },
  ])("an entry with $why does not continue the log", ({ index, term }) => {
    expect(() => logOf([1]).append(entry(index, term))).toThrow("an entry must continue the log");
  });
});

describe("a disk that makes no sense is refused", () => {
  const good = restored([1, 1, 2]);
  test.each([
    { why: "term behind the log", change: { hardState: { term: 1, vote: null, commit: 0 } } },
    { why: "more applied than held", change: { applied: 4 } },
    { why: "applied less than compacted", change: { compacted: { index: 1, term: 1 } } },
    {
      why: "falling runs",
      change: {
        terms: [
          { first: 1, term: 2 },
          { first: 3, term: 1 },
        ],
      },
    },
    { why: "runs that miss the start", change: { terms: [{ first: 2, term: 2 }] } },
    { why: "a tail with a gap", change: { tail: entriesOfTerms([1, 1]) } },
    { why: "no tail", change: { tail: [] } },
  ])("$why", ({ change }) => {
    expect(() => new Log({ ...good, ...change }, 0, false)).toThrow(/restored|applied/);
    expect(new Log(good, 0, false).lastIndex).toBe(3);
  });
});
