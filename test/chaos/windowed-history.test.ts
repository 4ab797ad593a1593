/** The history's pieces: nothing escapes the checker, nothing is kept for ever. */
import { expect, test } from "vitest";
import type { RegisterOperation } from "../cluster/workload.js";
import { WindowedHistory } from "./windowed-history.js";

const first = () => 0;
let now = 0;

function set(key: string, value: string): RegisterOperation {
  now += 2;
  const outcome = { kind: "ok", result: true, returnedAt: now + 1 } as const;
  return { client: "c0", op: { kind: "set", key, value }, calledAt: now, outcome };
}

function get(key: string, result: string | null): RegisterOperation {
  now += 2;
  const outcome = { kind: "ok", result, returnedAt: now + 1 } as const;
  return { client: "c0", op: { kind: "get", key }, calledAt: now, outcome };
}

test("a stale read is found as soon as its piece is complete", () => {
  const history = new WindowedHistory(3);
  history.end(set(history.begin(first), "old"));
  history.end(set(history.begin(first), "new"));
  history.end(get(history.begin(first), "old"));
  expect(history.violations).toEqual([]);
  history.end(get(history.begin(first), null));
  expect(history.violations).toHaveLength(1);
  expect(history.violations[0]?.history).toHaveLength(3);
});

test("a piece with a call that has not ended is checked when it has", () => {
  const history = new WindowedHistory(2);
  const late = history.begin(first);
  history.end(set(history.begin(first), "new"));
  const next = history.begin(first);
  expect(next).not.toBe(late);
  history.end(get(next, null));
  expect(history.windows).toBe(0);
  expect(() => history.finish()).toThrow("still open");
  history.end(get(late, "never written"));
  history.finish();
  expect(history.windows).toBe(2);
  expect(history.violations.map(({ reason }) => reason)).toEqual([
    expect.stringContaining("no call can have led to"),
  ]);
});
