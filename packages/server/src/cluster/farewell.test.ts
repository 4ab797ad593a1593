import { farewellMs } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { decodeValue, encodeValue } from "../state/value-encoding.js";
import { Farewell } from "./farewell.js";
import { leaderQuestion, leaderToValue } from "./forwarding.js";
import { leaderWaitMs, ManualClock, ScriptedRaft } from "./testing-rig.js";

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

function rig() {
  const raft = new ScriptedRaft();
  raft.lead("n2");
  const clock = new ManualClock();
  const said: string[] = [];
  const log = { warn: (_fields: object, message: string) => said.push(message) };
  const farewell = new Farewell({ raft, codec: { encodeValue, decodeValue }, clock, log, leaderWaitMs });
  /** Every question that is open is answered with this leader; `down`: that peer has gone. */
  const answer = async (leader: string | null, down: readonly string[] = [], members = ["n2", "n3"]) => {
    for (const { peer, payload, answer: give, fail } of raft.requests.splice(0)) {
      expect(decodeValue(payload)).toEqual(leaderQuestion);
      if (down.includes(peer)) fail(false);
      else give(encodeValue(leaderToValue({ leader, stopping: false, members })));
    }
    await settled();
  };
  const remove = () => {
    raft.removed = true;
    raft.lead(null);
  };
  return { raft, clock, said, farewell, answer, remove };
}

describe("a node that was removed", () => {
  it("asks the members at once who leads, and again and again, and follows who takes over", async () => {
    const { raft, clock, farewell, answer, remove } = rig();
    const heard: (string | null)[] = [];
    farewell.onChange(() => heard.push(farewell.leader));
    expect(raft.requests).toHaveLength(0);
    remove();
    expect(raft.requests.map(({ peer }) => peer)).toEqual(["n2", "n3"]);
    await answer("n2");
    expect(farewell.leader).toBe("n2");
    clock.advance(250);
    await answer("n3", ["n2"]);
    clock.advance(250);
    await answer(null);
    expect(heard).toEqual(["n2", "n3", null]);
  });

  it("learns it from the members when it was away meanwhile, once an election would be over", async () => {
    const { raft, clock, farewell, answer } = rig();
    raft.lead("n2");
    raft.lead(null);
    clock.advance(leaderWaitMs - 1);
    expect(raft.requests).toHaveLength(0);
    clock.advance(251);
    await answer("n3", [], ["n1", "n2", "n3"]);
    expect([farewell.leader, farewell.removed]).toEqual([null, false]);
    clock.advance(250);
    await answer("n3");
    expect([farewell.leader, farewell.removed]).toEqual(["n3", true]);
    // Nobody answers any more: that does not make it a member again.
    clock.advance(250);
    await answer(null, ["n2", "n3"]);
    expect([farewell.leader, farewell.removed]).toEqual([null, true]);
  });

  it("does not believe that it leads itself", async () => {
    const { farewell, answer, remove } = rig();
    remove();
    await answer("n1");
    expect(farewell.leader).toBe(null);
  });

  it("says so once, when it is sure, and asks no more when the farewell is over", async () => {
    const { raft, clock, said, farewell, answer, remove } = rig();
    remove();
    await answer("n2");
    expect(said).toEqual([]);
    for (let passed = 0; passed < farewellMs; passed += 250) {
      expect(farewell.leader).toBe("n2");
      clock.advance(250);
      await answer("n2");
    }
    expect(said).toEqual([
      expect.stringMatching(/^this node was removed from the cluster: for 20 s its calls/),
    ]);
    expect(farewell.leader).toBe(null);
    clock.advance(10_000);
    expect(raft.requests).toHaveLength(0);
    expect(clock.timers).toBe(0);
  });

  it("and hears a leader after all, was not: what it was told is forgotten, late answers too", async () => {
    const { raft, clock, said, farewell, answer, remove } = rig();
    remove();
    await answer("n2");
    clock.advance(250);
    raft.removed = false;
    raft.lead("n3");
    expect(farewell.leader).toBe(null);
    await answer("n2");
    expect(farewell.leader).toBe(null);
    clock.advance(10_000);
    expect([raft.requests.length, said.length]).toEqual([0, 0]);
  });

  it("that closes asks nobody any more", async () => {
    const { raft, clock, farewell, answer, remove } = rig();
    remove();
    farewell.close();
    await answer("n2");
    clock.advance(10_000);
    expect([farewell.leader, raft.requests.length]).toEqual([null, 0]);
  });
});
