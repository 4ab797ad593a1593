import { type NodeStatus, RequestFailed } from "@quorate/raft";
import type { Membership } from "@quorate/raft/core";
import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../state/checkpoints.js";
import { decodeValue, encodeValue } from "../state/value-encoding.js";
import { DigestCheck } from "./digest-check.js";

/** Entry and digest, as a node knows them. */
type Known = Readonly<Record<number, number>>;

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

const checkpointsOf = (known: Known): Checkpoint[] =>
  Object.entries(known).map(([index, digest]) => ({ index: Number(index), digest: Uint8Array.of(digest) }));

/** What n1 does about what itself and the others know; those without an entry do not answer. */
async function judge(nodes: Readonly<Record<string, Known>>, voters = ["n1", "n2", "n3"], rounds = 1) {
  const logged: string[] = [];
  const diverged: string[] = [];
  const timers: (() => void)[] = [];
  const quiet = () => undefined;
  const membership = { clusterId: "c", members: [], voters, votersOutgoing: [], learners: [] } as Membership;
  const optionsOf = (known: Known) => ({
    raft: {
      status: () => ({ id: "n1", membership, connected: voters }) as unknown as NodeStatus,
      request: async (peer: string, question: Uint8Array) => {
        const theirs = nodes[peer];
        if (theirs === undefined) throw new RequestFailed("not connected", false);
        const asked = new DigestCheck({ ...optionsOf(theirs), clock: { after: () => quiet } });
        expect(asked.isQuestion(decodeValue(question))).toBe(true);
        return encodeValue(await asked.answer());
      },
    },
    checkpoints: { all: checkpointsOf(known) },
    codec: { encodeValue, decodeValue },
    clock: {
      after: (_: number, run: () => void) => {
        timers.push(run);
        return quiet;
      },
    },
    wallMs: () => 1_000 * rounds,
    log: { debug: quiet, info: quiet, warn: quiet, error: (_: object, text: string) => logged.push(text) },
    onDiverged: (error: Error) => diverged.push(error.message),
  });
  const check = new DigestCheck(optionsOf(nodes.n1 ?? {}));
  for (let round = 0; round < rounds; round++) {
    timers.shift()?.();
    for (let turn = 0; turn < 5; turn++) await settled();
  }
  check.close();
  return { logged, diverged, findings: check.findings };
}

describe("states after the same entry", () => {
  it("are compared at the newest one that two nodes know, and mostly equal", async () => {
    for (const nodes of [
      { n1: { 5: 1, 9: 2 }, n2: { 5: 1, 9: 2 }, n3: { 5: 1 } },
      { n1: { 5: 1, 9: 2 }, n2: { 7: 8 } },
      { n1: {}, n2: { 7: 8 }, n3: { 7: 9 } },
      { n1: { 5: 1 } },
    ]) {
      expect(await judge(nodes)).toMatchObject({ logged: [], diverged: [], findings: { mismatches: 0 } });
    }
  });

  it("are told: when they were compared, up to where and with whom they were equal", async () => {
    const { findings } = await judge({ n1: { 5: 1, 9: 2 }, n2: { 5: 1, 9: 2 }, n3: { 5: 1 } });
    expect(findings).toEqual({ comparedAtMs: 1_000, equalIndex: 9, equalWith: ["n2"], mismatches: 0 });
    const all = await judge({ n1: { 9: 2 }, n2: { 9: 2 }, n3: { 9: 2 } }, undefined, 2);
    expect(all.findings).toEqual({
      comparedAtMs: 2_000,
      equalIndex: 9,
      equalWith: ["n2", "n3"],
      mismatches: 0,
    });
  });

  it("are not told to be compared where nobody had one in common", async () => {
    const { findings } = await judge({ n1: { 5: 1 }, n2: { 7: 8 } });
    expect(findings).toEqual({ comparedAtMs: null, equalIndex: 0, equalWith: [], mismatches: 0 });
  });

  it("end this node when a majority of the voters has another one", async () => {
    const { logged, diverged } = await judge({ n1: { 5: 1, 9: 2 }, n2: { 5: 1, 9: 3 }, n3: { 9: 3 } });
    expect(logged).toEqual([]);
    expect(diverged).toEqual([
      expect.stringMatching(/after entry 9 .*: 02 on n1; 03 on n2, n3\. Keep .*replace/),
    ]);
  });

  it("name whoever differs, once, when this node is of the majority", async () => {
    const nodes = { n1: { 9: 2 }, n2: { 9: 2 }, n3: { 9: 3 } };
    const { logged, diverged, findings } = await judge(nodes, undefined, 3);
    expect(diverged).toEqual([]);
    expect(findings).toMatchObject({ comparedAtMs: 3_000, equalIndex: 0, mismatches: 3 });
    expect(logged).toEqual([
      "the state of n3 differs from that of the majority after entry 9: 02 on n1, n2; 03 on n3",
    ]);
  });

  it.each([
    [{ n1: { 9: 2 }, n2: { 9: 3 } }, ["n1", "n2", "n3"]],
    [{ n1: { 9: 2 }, n2: { 9: 3 }, n3: { 9: 4 } }, ["n1", "n2", "n3"]],
    [{ n1: { 9: 2 }, n2: { 9: 3 }, n3: { 9: 3 } }, ["n1", "n2", "n3", "n4", "n5"]],
  ])("end nobody without a majority of all voters: %o of %o", async (nodes, voters) => {
    const { logged, diverged } = await judge(nodes, voters);
    expect(diverged).toEqual([]);
    expect(logged).toEqual([expect.stringContaining("no majority agrees: 02 on n1; 03 on n2")]);
  });
});
