import { describe, expect, test } from "vitest";
import { type CallOptions, checkTimeout, laterIndex, optionHeaders } from "./call-options.js";
import { Client, type ClientOptions } from "./client.js";

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

test.each<[object, string]>([
  [{ nodes: "http://127.0.0.1:9" }, "nodes: expected a list of URLs, got http://127.0.0.1:9"],
  [{ nodes: [] }, "nodes: expected at least one URL"],
  [{ nodes: ["127.0.0.1"] }, "nodes: expected URLs such as"],
  [{ nodes: ["http://127.0.0.1:9"], connections: 0 }, "connections: expected a whole number from 1"],
  [
    { nodes: ["http://127.0.0.1:9"], timeout: 5 },
    'unknown option "timeout"; expected one of nodes, timeoutMs',
  ],
])("a client with %j is refused: %s", (options, sentence) => {
  expect(() => new Client(options as ClientOptions)).toThrow(sentence);
});

test("a call with an option that there is not is refused, not made without it", async () => {
  await using client = new Client({ nodes: ["http://127.0.0.1:9"] });
  const mistyped = { consistency: "stale", maxStaleness: 5 } as CallOptions;
  await expect(client.call("kv.get", ["a"], mistyped)).rejects.toThrow('unknown option "maxStaleness"');
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
