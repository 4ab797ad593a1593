/** An entry that an operator struck out, in the machine of a service. */
import { type Entry, EntryType, encodeVoid } from "@quorate/raft/core";
import { DamagedStorage, StorageFailed } from "@quorate/raft/level";
import {
  DivergedState,
  EngineFailure,
  encodeBatch,
  encodeCommand,
  isOfEntry,
  kvRegistry,
  LogEntryError,
  readMetadata,
  UnknownServiceVersion,
} from "@quorate/server/testing";
import { describe, expect, it } from "vitest";
import { OneNode } from "./one-node.js";

const struck = {
  ok: false,
  fault: { code: -32500, message: "struck out by the operator: nothing of this call was executed" },
};

function nodeAt(index: number, data: Uint8Array): { node: OneNode; entry: Entry } {
  const node = new OneNode(kvRegistry());
  node.state.write([], index - 1);
  return { node, entry: { index, term: 1, type: EntryType.application, data } };
}

const voidOf = (index: number, at: number): Entry => ({
  index: at,
  term: 2,
  type: EntryType.void,
  data: encodeVoid(index),
});

describe("an entry that is struck out", () => {
  const registry = kvRegistry();
  const { context } = new OneNode(registry);
  it.each([
    ["a command", encodeCommand(registry, "kv.set", ["a", 1], context)],
    ["a batch", encodeBatch(registry, [{ method: "kv.set", params: ["a", 1] }], context)],
    ["something that cannot be read", Uint8Array.of(1, 2, 3)],
  ])("is a fixed fault on every node, without effect, whether it is %s", async (_, data) => {
    const { node, entry } = nodeAt(7, data);
    const { result, effects } = node.machine.strike(entry, node.state);
    expect(result).toEqual(struck);
    node.state.write(effects, 7);
    expect(await node.call("kv.count")).toBe(0);
    expect(node.machine.strike(entry, nodeAt(7, data).node.state)).toEqual({ result, effects });
  });

  it("is part of the digest, and moves no clock", () => {
    const { node, entry } = nodeAt(7, new Uint8Array());
    const before = readMetadata(node.state);
    node.state.write(node.machine.strike(entry, node.state).effects, 7);
    const after = readMetadata(node.state);
    expect(after.lastNow).toBe(before.lastNow);
    expect(after.digest).not.toEqual(before.digest);
  });

  it("is confirmed by the entry that struck it out, also twice, with the same digest", () => {
    const { node, entry } = nodeAt(7, new Uint8Array());
    node.state.write(node.machine.strike(entry, node.state).effects, 7);
    const { digest } = readMetadata(node.state);
    for (const at of [8, 9]) {
      const { result, effects } = node.machine.confirmStrike(voidOf(7, at), 7, node.state);
      expect([result, effects]).toEqual([{ ok: true, value: true }, []]);
    }
    expect(readMetadata(node.state).digest).toEqual(digest);
  });

  it("and executed here all the same is a divergence, by name", async () => {
    const node = new OneNode(kvRegistry());
    await node.call("kv.set", "a", 1);
    expect(() => node.machine.confirmStrike(voidOf(1, 2), 1, node.state)).toThrow(DivergedState);
    expect(() => node.machine.confirmStrike(voidOf(1, 2), 1, node.state)).toThrow(
      /entry 1 is struck out by entry 2, but this node had executed it before: its state differs/,
    );
  });
});

describe("a failure to execute", () => {
  it.each([
    ["is the entry's when it exhausts the engine", new EngineFailure("deep"), true],
    ["is the entry's when nobody knows better", new TypeError("a bug"), true],
    ["is the version's, not the entry's", new UnknownServiceVersion("other"), false],
    ["is the format's, not the entry's", new LogEntryError("format 2"), false],
    ["is the disk's, not the entry's", new StorageFailed("read", new Error("I/O")), false],
    [
      "is the disk's also one level down",
      new Error("x", { cause: new DamagedStorage("a", "b", "c") }),
      false,
    ],
    ["is the state's, not the entry's", new DivergedState("differs"), false],
  ])("%s", (_, error, expected) => {
    expect(isOfEntry(error)).toBe(expected);
  });
});
