import { expect, it } from "vitest";
import { StoredTerms } from "./stored-terms.js";

const entry = (index: number, term: number) => ({ index, term, type: 1 as const, data: new Uint8Array() });
const holds = (stored: StoredTerms, upTo: number, term: number) =>
  Array.from({ length: upTo }, (_, at) => stored.holds({ index: at + 1, term }));

it("knows an entry by index and term, also after truncation and compaction", () => {
  const stored = new StoredTerms({
    terms: [
      { first: 1, term: 1 },
      { first: 3, term: 2 },
    ],
    last: { index: 4, term: 2 },
  });
  expect(holds(stored, 5, 1)).toEqual([true, true, false, false, false]);
  expect(holds(stored, 5, 2)).toEqual([false, false, true, true, false]);

  stored.append([entry(4, 3), entry(5, 3)], 0);
  expect(holds(stored, 6, 2)).toEqual([false, false, true, false, false, false]);
  expect(holds(stored, 6, 3)).toEqual([false, false, false, true, true, false]);

  stored.append([entry(2, 4)], 0);
  expect(stored.last).toBe(2);
  expect(holds(stored, 4, 4)).toEqual([false, true, false, false]);
  expect(holds(stored, 4, 3)).toEqual([false, false, false, false]);

  stored.append([entry(3, 4), entry(4, 5)], 3);
  expect(stored.holds({ index: 4, term: 5 })).toBe(true);
  expect(stored.holds({ index: 4, term: 4 })).toBe(false);
});
