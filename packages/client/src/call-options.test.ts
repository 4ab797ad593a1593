import { describe, expect, test } from "vitest";
import { type CallOptions, checkTimeout, laterIndex, optionHeaders } from "./call-options.js";

test("options become the server's headers", () => {
  expect(optionHeaders({})).toEqual({});
  expect(optionHeaders({ consistency: "linearizable" })).toEqual({ "quorate-consistency": "linearizable" });
  expect(optionHeaders({ consistency: "stale", maxStalenessMs: 500, minIndex: "c0ffee00:41" })).toEqual({
    "quorate-consistency": "stale",
    "quorate-max-staleness": "500ms",
    "quorate-min-index": "c0ffee00:41",
  });
});

test.each<[CallOptions, string]>([
  [{ consistency: "eventual" as "stale" }, "consistency: expected linearizable or stale, got eventual"],
  [{ maxStalenessMs: 5 }, "bound stale reads"],
  [{ consistency: "linearizable", minIndex: "c0ffee00:41" }, "bound stale reads"],
  [{ consistency: "stale", maxStalenessMs: 0.5 }, "maxStalenessMs: expected whole milliseconds"],
  [{ consistency: "stale", maxStalenessMs: -1 }, "maxStalenessMs: expected whole milliseconds"],
  [{ consistency: "stale", minIndex: "41" }, "minIndex: expected a client's lastIndex"],
])("%j is refused: %s", (options, sentence) => {
  expect(() => optionHeaders(options)).toThrow(sentence);
});

test.each([0, -1, Number.NaN, 2 ** 31])("a timeout of %d ms is refused", (ms) => {
  expect(() => checkTimeout(ms)).toThrow("timeoutMs: expected");
});

describe("the later of two indexes", () => {
  test.each([
    [null, "c0ffee00:41", "c0ffee00:41"],
    ["c0ffee00:41", "c0ffee00:9", "c0ffee00:41"],
    ["c0ffee00:9", "c0ffee00:41", "c0ffee00:41"],
    ["c0ffee00:41", "deadbeef:1", "deadbeef:1"],
    ["c0ffee00:41", undefined, "c0ffee00:41"],
    ["c0ffee00:41", "nonsense", "c0ffee00:41"],
  ])("of %s and %s is %s", (known, seen, later) => {
    expect(laterIndex(known, seen)).toBe(later);
  });
});
