import { describe, expect, test } from "vitest";
import { createRandom, randomInteger } from "./prng.js";
import { quorumValue, voteResult } from "./quorum.js";
import { testingMembership } from "./testing-server.js";
import type { Membership, NodeId } from "./types.js";

const ids = (size: number): NodeId[] => Array.from({ length: size }, (_, position) => `n${position + 1}`);

function joint(voters: readonly NodeId[], votersOutgoing: readonly NodeId[]): Membership {
  const all = [...new Set([...voters, ...votersOutgoing])];
  return { ...testingMembership(all), voters, votersOutgoing };
}

/** The obvious version: sorted descending, the middle one is reached by a majority. */
function sortedMajority(values: readonly number[]): number {
  return [...values].sort((a, b) => b - a)[Math.floor(values.length / 2)] ?? 0;
}

describe("quorumValue", () => {
  test.each([
    { values: [5], majority: 5 },
    { values: [5, 3], majority: 3 },
    { values: [5, 3, 1], majority: 3 },
    { values: [9, 7, 7, 3, 0], majority: 7 },
    { values: [9, 9, 0, 0], majority: 0 },
    { values: [0, 0, 0], majority: 0 },
  ])("$values: $majority", ({ values, majority }) => {
    const voters = ids(values.length);
    expect(quorumValue(joint(voters, []), (id) => values[voters.indexOf(id)] ?? 0)).toBe(majority);
  });

  test("pitfall 10: equals the sorted version, also joint, in 10^6 random sequences", {
    timeout: 120_000,
  }, () => {
    const random = createRandom(7);
    const everybody = ids(7);
    const values = new Map<NodeId, number>();
    const valueFor = (id: NodeId) => values.get(id) ?? 0;
    const sizes = [1, 2, 3, 4, 5, 6, 7].flatMap((size) =>
      [0, 1, 2, 3, 4, 5, 6, 7].map((outgoing) => ({ size, outgoing })),
    );
    for (const { size, outgoing } of sizes) {
      // Overlapping in part: the first ones vote, the last ones voted.
      const membership = joint(everybody.slice(0, size), everybody.slice(7 - outgoing));
      const { voters, votersOutgoing } = membership;
      for (let run = 0; run < 1_000_000 / sizes.length; run++) {
        for (const id of everybody) values.set(id, randomInteger(random, 0, 5));
        const expected = Math.min(
          sortedMajority(voters.map(valueFor)),
          outgoing === 0 ? Infinity : sortedMajority(votersOutgoing.map(valueFor)),
        );
        if (quorumValue(membership, valueFor) !== expected)
          expect({ voters, votersOutgoing, values }).toBe(expected);
      }
    }
  });
});

describe("voteResult", () => {
  const { n1, n2, n3, n4 } = { n1: "n1", n2: "n2", n3: "n3", n4: "n4" };
  test.each([
    { voters: [n1], outgoing: [], yes: [n1], no: [], result: "won" },
    { voters: [n1, n2, n3], outgoing: [], yes: [n1], no: [], result: "pending" },
    { voters: [n1, n2, n3], outgoing: [], yes: [n1], no: [n2], result: "pending" },
    { voters: [n1, n2, n3], outgoing: [], yes: [n1], no: [n2, n3], result: "lost" },
    { voters: [n1, n2, n3, n4], outgoing: [], yes: [n1, n2], no: [n3, n4], result: "lost" },
    // Both majorities are needed.
    { voters: [n1, n2, n3], outgoing: [n3, n4, n1], yes: [n1, n2], no: [], result: "pending" },
    { voters: [n1, n2, n3], outgoing: [n3, n4, n1], yes: [n1, n2], no: [n3, n4], result: "lost" },
    { voters: [n1, n2, n3], outgoing: [n3, n4, n1], yes: [n1, n3], no: [n2, n4], result: "won" },
    // Who is no voter does not count.
    { voters: [n1, n2, n3], outgoing: [], yes: [n1, n4], no: [], result: "pending" },
  ])("voters $voters and $outgoing, yes $yes, no $no: $result", ({ voters, outgoing, yes, no, result }) => {
    const votes = new Map([...yes.map((id) => [id, true] as const), ...no.map((id) => [id, false] as const)]);
    expect(voteResult(joint(voters, outgoing), votes)).toBe(result);
  });
});
