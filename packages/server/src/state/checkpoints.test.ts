import { expect, it } from "vitest";
import { Checkpoints } from "./checkpoints.js";

const digestOf = (index: number) => Uint8Array.of(index & 255, index >> 8);

function indexesAfter(...ranges: readonly (readonly [from: number, to: number])[]): number[] {
  const checkpoints = new Checkpoints();
  for (const [from, to] of ranges) {
    for (let index = from; index <= to; index++) checkpoints.passed(index, digestOf(index));
  }
  for (const { index, digest } of checkpoints.all) expect(digest).toEqual(digestOf(index));
  return checkpoints.all.map(({ index }) => index);
}

it("keeps the first entry of each run of 1024 that it sees, and the newest", () => {
  expect(indexesAfter()).toEqual([]);
  expect(indexesAfter([5, 5])).toEqual([5]);
  expect(indexesAfter([5, 2_050])).toEqual([5, 1_024, 2_048, 2_050]);
  expect(indexesAfter([5, 2_048])).toEqual([5, 1_024, 2_048]);
  // A snapshot in between, and entries of Raft's own at the beginning of a run.
  expect(indexesAfter([5, 9], [3_000, 3_001], [4_097, 4_099])).toEqual([5, 3_000, 4_097, 4_099]);
});

it("keeps the newest 64 runs", () => {
  const kept = indexesAfter([1, 100 * 1_024]);
  expect(kept).toHaveLength(64);
  expect([kept[0], kept.at(-1)]).toEqual([37 * 1_024, 100 * 1_024]);
});
