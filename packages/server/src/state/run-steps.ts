/**
 * Runs calls one after another. A call that needs a range is suspended: what it did is forgotten, the range is
 * read from a pinned snapshot, and its handler runs again from the start, now entirely on that snapshot.
 */
import { Fault, faultCodes } from "@quorate/protocol";
import type { StateSnapshot, StateView } from "@quorate/raft";
import { rangesMax } from "./budgets.js";
import type { ReadKey } from "./call-context.js";
import { RangeCache, type RangeRequest } from "./range.js";
import { faultResult } from "./run-handler.js";
import type { CallResult } from "./types.js";

/** One attempt at one call. Leaves no trace when it returns a request. */
export type Step = (read: ReadKey, ranges: RangeCache) => CallResult | RangeRequest;

/** Results in the order of `steps`; a promise only when a range is needed. `countMax`: most keys that one count passes. */
export function runSteps(
  steps: readonly Step[],
  view: StateView,
  countMax: number,
): readonly CallResult[] | Promise<readonly CallResult[]> {
  const results: CallResult[] = [];
  const read: ReadKey = (key) => view.get(key);
  for (let at = 0; at < steps.length; at++) {
    const outcome = (steps[at] as Step)(read, new RangeCache());
    if (isRequest(outcome)) {
      // Pinned in the turn of the first run: both see the same moment, so the request still holds.
      const snapshot = view.snapshot();
      return runOnSnapshot(steps.slice(at), outcome, snapshot, countMax).then((rest) => [
        ...results,
        ...rest,
      ]);
    }
    results.push(outcome);
  }
  return results;
}

async function runOnSnapshot(
  steps: readonly Step[],
  first: RangeRequest,
  snapshot: StateSnapshot,
  countMax: number,
): Promise<readonly CallResult[]> {
  try {
    const results: CallResult[] = [];
    let request: RangeRequest | null = first;
    for (const step of steps) {
      results.push(await runStep(step, request, snapshot, countMax));
      request = null;
    }
    return results;
  } finally {
    await snapshot.close();
  }
}

async function runStep(
  step: Step,
  first: RangeRequest | null,
  snapshot: StateSnapshot,
  countMax: number,
): Promise<CallResult> {
  const ranges = new RangeCache();
  let outcome: CallResult | RangeRequest = first ?? step((key) => snapshot.get(key), ranges);
  while (isRequest(outcome)) {
    if (ranges.size === rangesMax) {
      return faultResult(
        new Fault(faultCodes.tooLarge, `the call is too large: more than ${rangesMax} ranges`),
      );
    }
    try {
      await ranges.fetch(outcome, snapshot, countMax);
    } catch (error) {
      if (error instanceof Fault) return faultResult(error);
      throw error;
    }
    outcome = step((key) => snapshot.get(key), ranges);
  }
  return outcome;
}

function isRequest(outcome: CallResult | RangeRequest): outcome is RangeRequest {
  return "what" in outcome;
}
