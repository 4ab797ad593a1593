import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLinearizableByDefinition } from "./brute-force.js";
import { checkLinearizable } from "./checker.js";
import type { History, Outcome } from "./history.js";
import { type RegisterOp, type RegisterResult, registerModel } from "./register-model.js";

type RegisterHistory = History<RegisterOp, RegisterResult>;
type Row = readonly [
  client: string,
  from: number,
  to: number | "unknown" | "failed",
  op: RegisterOp,
  result?: RegisterResult,
];

const get = (key = "x"): RegisterOp => ({ kind: "get", key });
const set = (value: string, key = "x"): RegisterOp => ({ kind: "set", key, value });
const cas = (expected: string, value: string, key = "x"): RegisterOp => ({
  kind: "cas",
  key,
  expected,
  value,
});
const create = (value: string, key = "x"): RegisterOp => ({ kind: "create", key, value });
const remove = (key = "x"): RegisterOp => ({ kind: "delete", key });

function history(...rows: readonly Row[]): RegisterHistory {
  return rows.map(([client, calledAt, to, op, result]) => {
    const outcome: Outcome<RegisterResult> =
      typeof to === "string" ? { kind: to } : { kind: "ok", result: result ?? null, returnedAt: to };
    return { client, calledAt, op, outcome };
  });
}

const good: Record<string, RegisterHistory> = {
  "nothing happened": [],
  "a key that was never written reads as missing": history(["a", 0, 1, get(), null]),
  "a read overlapping a write may see the old value": history(
    ["a", 0, 1, set("1"), true],
    ["a", 2, 9, set("2"), true],
    ["b", 3, 4, get(), "1"],
    ["b", 5, 6, get(), "2"],
  ),
  "two overlapping writes take effect in either order": history(
    ["a", 0, 10, set("1"), true],
    ["b", 0, 10, set("2"), true],
    ["c", 11, 12, get(), "1"],
  ),
  "an unanswered write shows up later": history(
    ["a", 0, 1, set("1"), true],
    ["b", 2, "unknown", set("2")],
    ["a", 3, 4, get(), "1"],
    ["a", 50, 51, get(), "2"],
  ),
  "an unanswered write never shows up": history(["a", 0, "unknown", set("1")], ["b", 1, 2, get(), null]),
  "an unanswered cas explains a failed one": history(
    ["a", 0, 1, set("1"), true],
    ["a", 2, "unknown", cas("1", "2")],
    ["b", 5, 6, cas("1", "3"), false],
    ["b", 7, 8, get(), "2"],
  ),
  "two unanswered writes in a row are both needed": history(
    ["a", 0, "unknown", set("1")],
    ["b", 0, "unknown", cas("1", "2")],
    ["c", 5, 6, get(), "2"],
  ),
  "of two overlapping cas only one succeeds": history(
    ["a", 0, 1, set("1"), true],
    ["a", 2, 5, cas("1", "2"), true],
    ["b", 2, 5, cas("1", "3"), false],
  ),
  "create after delete": history(
    ["a", 0, 1, create("1"), true],
    ["a", 2, 3, create("2"), false],
    ["a", 4, 5, remove(), true],
    ["a", 6, 7, remove(), false],
    ["a", 8, 9, create("2"), true],
  ),
  "a call that ends at the moment another begins overlaps it": history(
    ["a", 0, 5, set("1"), true],
    ["b", 5, 6, get(), null],
  ),
  "values that look like fingerprints": history(["a", 0, 1, set("="), true], ["b", 2, 3, get(), "="]),
};

const bad: Record<string, RegisterHistory> = {
  "stale read": history(["a", 0, 1, set("1"), true], ["a", 2, 3, set("2"), true], ["b", 4, 5, get(), "1"]),
  "lost write": history(["a", 0, 1, set("1"), true], ["b", 2, 3, get(), null]),
  "both of two cas from the same value succeed": history(
    ["a", 0, 1, set("1"), true],
    ["a", 2, 9, cas("1", "2"), true],
    ["b", 2, 9, cas("1", "3"), true],
  ),
  "a value that nobody wrote": history(["a", 0, 1, set("1"), true], ["b", 0, 9, get(), "7"]),
  "a surely failed write is seen": history(["a", 0, "failed", set("1")], ["b", 2, 3, get(), "1"]),
  "an unanswered write shows up, then vanishes": history(
    ["a", 0, 1, set("1"), true],
    ["b", 2, "unknown", set("2")],
    ["c", 3, 4, get(), "2"],
    ["c", 5, 6, get(), "1"],
  ),
  "a write is seen before it was called": history(["b", 0, 1, get(), "1"], ["a", 2, 3, set("1"), true]),
  "reads of two clients go back in time during one write": history(
    ["a", 0, 1, set("1"), true],
    ["a", 2, 20, set("2"), true],
    ["b", 3, 4, get(), "2"],
    ["c", 5, 6, get(), "1"],
  ),
  "two creates succeed": history(["a", 0, 1, create("1"), true], ["b", 2, 3, create("2"), true]),
  "an unanswered cas is used twice": history(
    ["a", 0, 1, set("1"), true],
    ["b", 2, "unknown", cas("1", "2")],
    ["a", 3, 4, get(), "2"],
    ["a", 5, 6, set("1"), true],
    ["a", 7, 8, get(), "2"],
  ),
  "one bad key among good ones": history(
    ["a", 0, 1, set("1", "x"), true],
    ["a", 2, 3, set("1", "y"), true],
    ["b", 4, 5, get("x"), "1"],
    ["b", 6, 7, get("y"), null],
  ),
};

describe("linearizability checker", () => {
  for (const [name, rows] of Object.entries(good)) {
    it(`accepts: ${name}`, () => expect(checkLinearizable(registerModel, rows)).toEqual({ ok: true }));
  }
  for (const [name, rows] of Object.entries(bad)) {
    it(`refuses: ${name}`, () => {
      const verdict = checkLinearizable(registerModel, rows);
      expect(verdict.ok).toBe(false);
      expect(verdict).not.toHaveProperty("undecided");
    });
  }

  it("explains which calls do not fit", () => {
    const verdict = checkLinearizable(registerModel, bad["one bad key among good ones"] ?? []);
    expect(verdict).toMatchObject({ ok: false, key: "y" });
    if (!verdict.ok) expect(verdict.reason).toContain("client b [6, 7] get(y) → null");
  });

  it("refuses a history in which an answer is older than its call", () => {
    expect(() => checkLinearizable(registerModel, history(["a", 5, 4, get(), null]))).toThrow(RangeError);
  });

  it("agrees with the definition on small histories", () => {
    const value = fc.constantFrom("1", "2", "3");
    const op: fc.Arbitrary<RegisterOp> = fc.oneof(
      fc.constant(get()),
      value.map((v) => set(v)),
      fc.tuple(value, value).map(([a, b]) => cas(a, b)),
      value.map((v) => create(v)),
      fc.constant(remove()),
    );
    const result: fc.Arbitrary<RegisterResult> = fc.constantFrom("1", "2", "3", null, true, false);
    const call = fc
      .record({
        op,
        result,
        from: fc.nat(12),
        length: fc.nat(6),
        end: fc.constantFrom("ok", "ok", "ok", "unknown", "failed"),
      })
      .map(({ op, result, from, length, end }) => {
        const fitting =
          op.kind === "get"
            ? typeof result === "boolean"
              ? null
              : result
            : result === true || op.kind === "set";
        return history([
          "a",
          from,
          end === "ok" ? from + length : (end as "unknown" | "failed"),
          op,
          fitting,
        ]);
      });
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.array(call, { maxLength: 7 }), (calls) => {
        const rows = calls.flat();
        const expected = isLinearizableByDefinition(registerModel, rows);
        if (expected) accepted++;
        else refused++;
        expect(checkLinearizable(registerModel, rows).ok).toBe(expected);
      }),
      { numRuns: 20_000, seed: 20260101 },
    );
    // Both answers must have been at stake.
    expect(Math.min(accepted, refused)).toBeGreaterThan(2_000);
  });

  it("decides a history of 2,000 calls by 10 clients on one key, unanswered ones among them", () => {
    const rows = simulateRegister({ seed: 7, calls: 2_000, clients: 10, unknownShare: 0.05 });
    // Counted in steps, so that a busy machine changes nothing: far below a second on an idle one.
    const options = { maxSteps: 200_000 };
    expect(checkLinearizable(registerModel, rows, options)).toEqual({ ok: true });
    const spoiled = rows.map((row, i) =>
      i === 1_900
        ? { ...row, op: get(), outcome: { kind: "ok", result: "v17", returnedAt: row.calledAt + 1 } as const }
        : row,
    );
    const verdict = checkLinearizable(registerModel, spoiled, options);
    expect(verdict.ok).toBe(false);
    expect(verdict).not.toHaveProperty("undecided");
  });

  it("gives up, and says so, when the budget is spent", () => {
    const rows = simulateRegister({ seed: 3, calls: 200, clients: 5, unknownShare: 0 });
    expect(checkLinearizable(registerModel, rows, { maxSteps: 50 })).toMatchObject({
      ok: false,
      undecided: true,
      key: "x",
    });
  });
});

/** A true history: each call takes effect at a random moment between its call and its return. */
function simulateRegister(options: {
  seed: number;
  calls: number;
  clients: number;
  unknownShare: number;
}): RegisterHistory {
  let word = options.seed;
  const random = () => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return word / 2 ** 32;
  };
  const free = Array.from({ length: options.clients }, () => 0);
  const planned = Array.from({ length: options.calls }, (_, i) => {
    const client = free.indexOf(Math.min(...free));
    const from = (free[client] ?? 0) + random();
    const to = from + 1 + random() * 8;
    free[client] = to;
    const chance = random();
    const unknown = chance < options.unknownShare;
    const op: RegisterOp =
      chance > 0.5
        ? get()
        : chance > 0.2 || unknown
          ? set(`v${i}`)
          : cas(`v${Math.floor(i - random() * 12)}`, `v${i}`);
    return {
      client: `c${client}`,
      from,
      to,
      at: from + random() * (to - from),
      op,
      unknown,
      happens: !unknown || random() < 0.5,
    };
  });
  let state: string | null = registerModel.init;
  const rows = planned
    .sort((a, b) => a.at - b.at)
    .map((call): RegisterHistory[number] => {
      const answers: RegisterResult[] = [null, true, false, state];
      const answer: RegisterResult = answers.find((a) => registerModel.step(state, call.op, a)[0]) ?? null;
      if (call.happens) state = registerModel.step(state, call.op, undefined)[1];
      const outcome: Outcome<RegisterResult> = call.unknown
        ? { kind: "unknown" }
        : { kind: "ok", result: answer, returnedAt: call.to };
      return { client: call.client, op: call.op, calledAt: call.from, outcome };
    });
  return rows;
}
