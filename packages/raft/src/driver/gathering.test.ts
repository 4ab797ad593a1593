import { describe, expect, it } from "vitest";
import { Gathering } from "./gathering.js";

function holding(count: number, bytesEach = 100): Gathering {
  const gathering = new Gathering();
  for (let context = 1; context <= count; context++) {
    gathering.add({ context, data: new Uint8Array(bytesEach) });
  }
  return gathering;
}

describe("a round begins", () => {
  const cases: [what: string, waiting: number, underWay: number, begins: boolean][] = [
    ["never without proposals", 0, 0, false],
    ["at once when nothing is under way", 1, 0, true],
    ["beside one single entry", 1, 1, true],
    ["not while more is under way than waits", 1, 2, false],
    ["with as much as is under way", 7, 7, true],
    ["not with less", 6, 7, false],
    ["with 32, whatever is under way", 32, 10_000, true],
    ["not with 31 beside as many and more", 31, 32, false],
  ];
  it.each(cases)("%s", (_what, waiting, underWay, begins) => {
    expect(holding(waiting).isRound(underWay)).toBe(begins);
  });

  it("with 64 KiB, whatever is under way", () => {
    expect(holding(1, 64 * 1024 - 1).isRound(1_000)).toBe(false);
    expect(holding(1, 64 * 1024).isRound(1_000)).toBe(true);
  });
});

it("hands out everything that waits, once", () => {
  const gathering = holding(3, 64 * 1024);
  expect(gathering.take().map(({ context }) => context)).toEqual([1, 2, 3]);
  expect(gathering.size).toBe(0);
  expect(gathering.take()).toEqual([]);
  gathering.add({ context: 4, data: new Uint8Array(1) });
  expect(gathering.isRound(5)).toBe(false);
});

describe("more are expected with the next look at the sockets", () => {
  const add = (gathering: Gathering, count: number) => {
    for (let context = 1; context <= count; context++) gathering.add({ context, data: new Uint8Array(1) });
  };

  it("not by who proposed alone last time, or for the first time", () => {
    const gathering = holding(1);
    expect(gathering.grows()).toBe(false);
    gathering.take();
    add(gathering, 1);
    expect(gathering.grows()).toBe(false);
  });

  it("after a round of several, as long as each look brings some", () => {
    const gathering = holding(2);
    gathering.take();
    add(gathering, 1);
    expect(gathering.grows()).toBe(true);
    add(gathering, 3);
    expect(gathering.grows()).toBe(true);
    expect(gathering.grows()).toBe(false);
    gathering.take();
    add(gathering, 1);
    expect(gathering.grows()).toBe(true);
  });

  it("not when the round is full", () => {
    const gathering = holding(2);
    gathering.take();
    add(gathering, 32);
    expect(gathering.grows()).toBe(false);
  });
});
