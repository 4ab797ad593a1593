import { DateTime, Double, Fault, struct } from "@quorate/protocol";
import type { Transaction } from "@quorate/server";
import { describe, expect, it } from "vitest";
import { applicationError, nodeWith } from "./one-node.js";

describe("a command", () => {
  it("sees its own writes, and leaves them when it succeeds", async () => {
    const node = nodeWith({
      run: (tx) => {
        const before = [tx.has(["a"]), tx.get(["a"]) ?? "none"];
        tx.set(["a"], { b: [1] });
        tx.set(["gone"], 1);
        const existed = [tx.delete(["gone"]), tx.delete(["gone"])];
        return [before, tx.has(["a"]), tx.get(["a"]), existed, tx.has(["gone"])];
      },
      qRead: (view) => [view.get(["a"]), view.has(["gone"])],
    });
    expect(await node.call("run")).toEqual([[false, "none"], true, { b: [1] }, [true, false], false]);
    expect(await node.call("qRead")).toEqual([{ b: [1] }, false]);
  });

  it("leaves nothing when it throws a Fault, which is its result", async () => {
    const node = nodeWith({
      run: (tx) => {
        tx.set(["a"], 1);
        throw new Fault(409, "no");
      },
      qRead: (view) => view.has(["a"]),
    });
    expect(await node.call("run")).toEqual([409, "no"]);
    expect(await node.call("qRead")).toBe(false);
  });

  it("leaves nothing when it throws anything else, which only the log hears", async () => {
    const node = nodeWith({
      run: (tx) => {
        tx.set(["a"], 1);
        throw new Error("a secret");
      },
      throwsNull: () => {
        throw null;
      },
      qRead: (view) => view.has(["a"]),
    });
    expect(await node.call("run")).toEqual(applicationError);
    expect(await node.call("throwsNull")).toEqual(applicationError);
    expect(await node.call("qRead")).toBe(false);
    expect(node.warnings[0]).toMatchObject({ fields: { method: "run", err: { message: "a secret" } } });
  });

  it("may catch what it threw itself, but not undo what it wrote", async () => {
    const node = nodeWith({
      run: (tx) => {
        try {
          tx.set(["a"], 1);
          throw new Fault(1, "x");
        } catch {
          return tx.get(["a"]);
        }
      },
    });
    expect(await node.call("run")).toBe(1);
  });

  it("returning a promise is a fault, and its rejection does no harm", async () => {
    const node = nodeWith({ run: () => Promise.reject(new Error("late")) });
    expect(await node.call("run")).toEqual([-32500, "run returned a promise; handlers are synchronous"]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(node.warnings).toMatchObject([{ message: "the promise that run returned was rejected" }]);
  });

  it.each<[string, unknown, string]>([
    ["nothing", undefined, "run: result: expected a value (null is nil), got nothing"],
    ["NaN", [Number.NaN], "run: result[0]: expected a finite number, got double NaN"],
    ["a function", { f: () => 1 }, "run: result.f: expected a value (null is nil), got function"],
    ["a class", new Map(), 'run: result: expected a plain object for a struct, got string "instance of Map"'],
    [
      "a forbidden character",
      "a\u{1}",
      'run: result: expected characters that XML allows, got string "U+0001"',
    ],
    [
      "half a surrogate pair",
      "\u{1F600}"[0],
      'run: result: expected characters that XML allows, got string "U+D83D"',
    ],
    [
      "an integer beyond 64 bits",
      2n ** 63n,
      "run: result: expected an integer of at most 64 bits, got i8 9223372036854775808",
    ],
    [
      "a Date with milliseconds",
      new Date(1),
      "run: result: expected a valid Date without milliseconds, got int 1",
    ],
  ])("returning %s is a fault that says so, and leaves nothing", async (_, returned, sentence) => {
    const node = nodeWith({
      run: (tx) => {
        tx.set(["a"], 1);
        return returned;
      },
      qRead: (view) => view.has(["a"]),
    });
    expect(await node.call("run")).toEqual([-32500, sentence]);
    expect(await node.call("qRead")).toBe(false);
  });

  it("returning a cycle or a very deep value is a fault", async () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const node = nodeWith({ run: () => cycle });
    expect(await node.call("run")).toEqual([-32500, expect.stringContaining("at most 128 containers")]);
  });

  it("gets copies: what it changes in a value it read changes nothing stored", async () => {
    const node = nodeWith({
      run: (tx) => {
        const given = [1];
        tx.set(["a"], given);
        given.push(2);
        (tx.get(["a"]) as number[]).push(3);
        return tx.get(["a"]);
      },
    });
    expect(await node.call("run")).toEqual([1]);
  });

  it("replaces characters in a fault's text that XML cannot carry", async () => {
    const node = nodeWith({
      run: () => {
        throw new Fault(1, "a\0b\u{D800}c");
      },
    });
    expect(await node.call("run")).toEqual([1, "a\u{FFFD}b\u{FFFD}c"]);
  });

  it("cannot be reached through its transaction once it is over", async () => {
    let kept: Transaction | undefined;
    let rest: (() => unknown) | undefined;
    const node = nodeWith({
      run: (tx) => {
        kept = tx;
        rest = () => [tx.range({}), tx.uuid()];
        return true;
      },
    });
    await node.call("run");
    const size = node.state.size;
    for (const use of [
      () => kept?.get(["a"]),
      () => kept?.set(["a"], 1),
      () => kept?.delete(["a"]),
      () => rest?.(),
    ]) {
      expect(use).toThrow("the call is over");
    }
    expect(node.state.size).toBe(size);
  });
});

describe("what a command knows", () => {
  it("is the same on every node and in every run", async () => {
    const handlers = {
      run: (tx: Transaction) => [tx.now, tx.index, tx.caller, tx.uuid(), tx.random(), tx.random()],
    };
    const [one, other] = [nodeWith(handlers), nodeWith(handlers)];
    one.context = other.context = { ...one.context, caller: "alice" };
    const first = await one.call("run");
    expect(first).toEqual(await other.call("run"));
    expect(first).toEqual([
      1_000_000,
      1,
      "alice",
      expect.stringMatching(/^[0-9a-f-]{36}$/),
      expect.any(Number),
      expect.any(Number),
    ]);
  });

  it("is time that never goes back, and stands still rather", async () => {
    const node = nodeWith({ run: (tx) => tx.now });
    const at = (nowMs: number) => {
      node.context = { ...node.context, nowMs };
      return node.call("run");
    };
    expect([await at(500), await at(400), await at(501), await at(0)]).toEqual([500, 500, 501, 501]);
  });
});

describe("budgets", () => {
  it("bound the operations of a command, even one that catches the fault", async () => {
    const node = nodeWith({
      run: (tx) => {
        for (;;) tx.has(["a"]);
      },
      stubborn: (tx) => {
        tx.set(["a"], 1);
        try {
          for (;;) tx.has(["a"]);
        } catch {
          return "done";
        }
      },
      qRead: (view) => view.has(["a"]),
    });
    const tooLarge = [-32005, "the call is too large: more than 100000 operations"];
    expect(await node.call("run")).toEqual(tooLarge);
    expect(await node.call("stubborn")).toEqual(tooLarge);
    expect(await node.call("qRead")).toBe(false);
  });

  it("bound what a command writes", async () => {
    const node = nodeWith({
      run: (tx, pieces) => {
        for (let at = 0; at < Number(pieces); at++) tx.set([at], "x".repeat(1024 * 1024));
        return true;
      },
      qCount: (view) => view.count({}),
    });
    expect(await node.call("run", 7)).toBe(true);
    expect(await node.call("run", 8)).toEqual([
      -32005,
      "the call is too large: more than 8388608 bytes written",
    ]);
    expect(await node.call("qCount")).toBe(7);
  });

  it("begin anew with every run of a handler that was suspended", async () => {
    const node = nodeWith({
      run: (tx) => {
        for (let at = 0; at < 20_000; at++) tx.has(["a"]);
        for (let at = 0; at < 10; at++) tx.range({ prefix: [at] });
        return true;
      },
    });
    expect(await node.call("run")).toBe(true);
  });

  it("hold for a batch as a whole", async () => {
    const node = nodeWith({
      run: (tx, name) => {
        tx.set([String(name)], "x".repeat(5 * 1024 * 1024));
        return name;
      },
    });
    expect(await node.batch({ method: "run", params: ["a"] }, { method: "run", params: ["b"] })).toEqual([
      ["a"],
      { faultCode: -32005, faultString: expect.stringContaining("bytes written") },
    ]);
  });
});

describe("a query", () => {
  it("has no way to write", async () => {
    const node = nodeWith({
      qRun: (view) => Object.keys(view).concat(typeof (view as Partial<Transaction>).set),
    });
    expect(await node.call("qRun")).toEqual(["undefined"]);
  });

  it("that exhausts the stack is an internal fault for its caller alone", async () => {
    const overflow = (): number => overflow() + 1;
    const node = nodeWith({ qRun: () => overflow() });
    expect(await node.call("qRun")).toEqual([-32603, "qRun needs more memory or stack than there is"]);
  });

  it("fails when the storage does", async () => {
    const node = nodeWith({
      qGet: (view) => {
        try {
          return view.get(["a"]) ?? null;
        } catch {
          return "caught";
        }
      },
      qRange: (view) => view.range({}).length,
    });
    node.state.failure = new Error("disk");
    await expect(node.call("qGet")).rejects.toThrow("disk");
    await expect(node.call("qRange")).rejects.toThrow("disk");
    expect(node.state.open).toBe(0);
  });

  it("tells a double from an int only where its type says so", async () => {
    const node = nodeWith({ qRun: () => [new Double(1), 1, struct()] });
    expect(await node.call("qRun")).toStrictEqual([new Double(1), 1, struct()]);
  });
});

describe("a large value that is stored", () => {
  const items = Array.from({ length: 20_000 }, (_, id) => struct([["id", id]]));
  const kept: unknown[] = [];
  const node = nodeWith({
    fill: (tx) => {
      tx.set(["large"], items);
      return true;
    },
    qRead: (view) => view.get(["large"]),
    qDated: (view) => {
      const value = view.get(["large"]) as unknown[];
      value[7] = new Date("1998-07-17T14:08:55Z");
      return value;
    },
    qBroken: (view) => {
      const value = view.get(["large"]) as unknown[];
      value.push(Number.NaN);
      return value;
    },
    qPart: (view) => (view.get(["large"]) as unknown[])[3],
    qTwice: (view) => {
      const [one, other] = [view.get(["large"]), view.get(["large"])];
      return one === other;
    },
    qKept: (view) => {
      kept.push(view.get(["large"]));
      return kept[0];
    },
  });

  it("is a result as it is; what a handler made of it is checked, and copied where it is to be", async () => {
    await node.call("fill");
    expect(await node.call("qRead")).toEqual(items);
    expect(((await node.call("qDated")) as unknown[])[7]).toEqual(new DateTime("19980717T14:08:55"));
    expect(await node.call("qBroken")).toEqual([
      -32500,
      expect.stringContaining("qBroken: result[20000]: expected a finite number"),
    ]);
    expect(await node.call("qPart")).toEqual(items[3]);
    expect(await node.call("qRead")).toEqual(items);
  });

  it("is made anew for each who asks: a handler that keeps one gets a copy of it the next time", async () => {
    await node.call("fill");
    expect(await node.call("qTwice")).toBe(false);
    const first = await node.call("qKept");
    expect(await node.call("qKept")).toEqual(first);
    expect(await node.call("qKept")).not.toBe(kept[0]);
  });
});
