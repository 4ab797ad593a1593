/** Whole simulated runs, judged by a model that shares no code with the core; and the model itself on trial. */
import { type PlantedBug, plantedBugs } from "@quorate/raft/core";
import { describe, expect, it } from "vitest";
import { simulateTraced } from "../simulation/traced.js";
import { judgeTrace } from "./judge.js";

const seeds = 60;
const seedsPerBug = 30;

/** What these do wrong is said in messages, in reads or in what the disk held: a trace of states cannot show it. */
const outOfSight: readonly PlantedBug[] = [
  "voteBeforeStored",
  "ackBeforeStored",
  "readBeforeNoOp",
  "readWithoutRound",
  "staleRoundConfirms",
  "appendCommitUnchecked",
  "staleStorageAck",
  "compactAheadOfFollowers",
];

describe("the reference model", () => {
  it(`accepts every transition of ${seeds} simulated clusters`, { timeout: 120_000 }, () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { trace } = simulateTraced({ seed });
      expect({ seed, ...judgeTrace(trace) }).toEqual({ seed, lines: trace.length, rejected: null });
    }
  });

  for (const bug of plantedBugs.filter((name) => !outOfSight.includes(name))) {
    it(`rejects a trace of ${bug} within ${seedsPerBug} seeds`, { timeout: 120_000 }, () => {
      for (let seed = 1; seed <= seedsPerBug; seed++) {
        const { trace } = simulateTraced({ seed, knobs: { plantedBugs: new Set([bug]) } });
        if (judgeTrace(trace).rejected !== null) return;
      }
      expect.unreachable(`${bug} was accepted for ${seedsPerBug} seeds`);
    });
  }
});
