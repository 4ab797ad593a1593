import { describe, expect, it } from "vitest";
import { agreeingMajority, type ClockReading, isFar } from "./clock-agreement.js";

type Offset = readonly [offsetMs: number, uncertaintyMs?: number];

const readings = (...offsets: readonly Offset[]) =>
  offsets.map(
    ([offsetMs, uncertaintyMs = 0], at): ClockReading => ({ node: `n${at + 1}`, offsetMs, uncertaintyMs }),
  );

/** Nodes of the majority and how far this node (offset 0) is ahead of it. */
function found(list: readonly ClockReading[], voters = list.length) {
  const majority = agreeingMajority(list, voters);
  return majority === null ? null : [majority.readings.map(({ node }) => node).join(" "), majority.aheadMs];
}

describe("a majority of clocks", () => {
  it.each([
    ["all that agree", readings([0], [100], [-300]), ["n3 n1 n2", -0]],
    ["two of three, against one that is ahead", readings([0], [-3_000], [-3_200]), ["n3 n2", 3_100]],
    ["two of three, against one that is behind", readings([0], [3_000], [3_200]), ["n2 n3", -3_100]],
    ["the closest of equal ones", readings([0], [900], [1_500]), ["n2 n3", -1_200]],
    ["three of five", readings([0], [-60_000], [5_000], [5_100], [5_900]), ["n3 n4 n5", -5_100]],
    ["alone", readings([0]), ["n1", -0]],
    ["as far apart as the measurement leaves open", readings([0], [1_400, 500]), ["n1 n2", -700]],
  ])("is %s", (_, list, expected) => {
    expect(found(list)).toEqual(expected);
  });

  it.each([
    ["three that differ", readings([0], [5_000], [-5_000]), 3],
    ["two that differ", readings([0], [5_000]), 2],
    ["too few of five", readings([0], [5_000], [5_100]), 5],
    ["half of four", readings([0], [1], [5_000], [5_100]), 4],
    ["a chain whose ends differ", readings([0], [900], [1_800], [2_700]), 4],
    ["nobody", [], 3],
  ])("is not among %s", (_, list, voters) => {
    expect(found(list, voters)).toBeNull();
  });
});

describe("a clock is far", () => {
  const far = (...list: readonly Offset[]) => isFar(readings(...list), 1_000);

  it("from every one of the majority, or not at all", () => {
    expect(far([1_001], [1_500])).toBe(true);
    expect(far([-1_001], [-1_500])).toBe(true);
    expect(far([1_000], [1_500])).toBe(false);
    expect(far([900], [5_000])).toBe(false);
    expect(far()).toBe(false);
  });

  it("by more than the measurement leaves open", () => {
    expect(far([1_200, 100])).toBe(true);
    expect(far([1_200, 200])).toBe(false);
  });
});
