/** Whole simulated runs, judged by a model that shares no code with the core; and the model itself on trial. */
import type { PlantedBug } from "@quorate/raft/core";
import { describe, expect, it } from "vitest";
import { simulateTraced } from "../simulation/traced.js";
import { judgeTrace } from "./judge.js";

const seeds = 60;
const seedsPerBug = 30;

/** The others do wrong in messages, in reads or on the disk: a trace of states cannot show it. */
const inSight: readonly PlantedBug[] = [
  "doubleVote",
  "commitOldTerm",
  "matchFromReject",
  "truncateOnDuplicate",
  "leadBeforeVoteStored",
  "heartbeatCommitUnchecked",
  "voteForOlderLog",
  "voteClearedOnStepDown",
  "staleLeaderAccepted",
  "quorumOneShort",
  "leaderCountsUnstored",
];

describe("the reference model", () => {
  it(`accepts every transition of ${seeds} simulated clusters`, { timeout: 120_000 }, () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { trace } = simulateTraced({ seed });
      expect({ seed, ...judgeTrace(trace) }).toEqual({ seed, lines: trace.length, rejected: null });
    }
  });

  for (const bug of inSight) {
    it(`rejects a trace of ${bug} within ${seedsPerBug} seeds`, { timeout: 120_000 }, () => {
      for (let seed = 1; seed <= seedsPerBug; seed++) {
        const { trace } = simulateTraced({ seed, knobs: { plantedBugs: new Set([bug]) } });
        if (judgeTrace(trace).rejected !== null) return;
      }
      expect.unreachable(`${bug} was accepted for ${seedsPerBug} seeds`);
    });
  }
});
