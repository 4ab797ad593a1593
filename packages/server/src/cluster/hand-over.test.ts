import type { NodeStatus, RaftLog } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { handOver } from "./hand-over.js";

const silent: RaftLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const follower = (id: string, match: number, active = true) =>
  ({ id, match, next: match + 1, state: "replicate", active }) as const;

const leading = {
  id: "n1",
  role: "leader",
  membership: {
    clusterId: "c",
    members: [],
    voters: ["n1", "n2", "n3", "n4"],
    votersOutgoing: [],
    learners: ["n5"],
  },
  connected: ["n2", "n3", "n5"],
  followers: [follower("n2", 40), follower("n3", 41), follower("n4", 99), follower("n5", 99)],
} as const;

/** A leader whose transfers fail for some targets. */
function leader(failing: readonly string[], part: object = {}) {
  const tried: string[] = [];
  let role = "leader";
  return {
    tried,
    status: () => ({ ...leading, role, ...part }) as unknown as NodeStatus,
    transfer: async (to: string) => {
      tried.push(to);
      if (failing.includes(to)) throw new Error(`${to} did not take over`);
      role = "follower";
    },
  };
}

describe("handing leadership over", () => {
  it("tries the longest log first, among voters that are reachable", async () => {
    const raft = leader([]);
    await handOver(raft, silent);
    expect(raft.tried).toEqual(["n3"]);
  });

  it("goes on with the next one", async () => {
    const raft = leader(["n3"]);
    await handOver(raft, silent);
    expect(raft.tried).toEqual(["n3", "n2"]);
  });

  it("gives up when nobody takes it, without failing", async () => {
    const raft = leader(["n3", "n2"]);
    await handOver(raft, silent);
    expect(raft.tried).toEqual(["n3", "n2"]);
  });

  it("leaves out who was not heard of lately", async () => {
    const raft = leader([], { followers: [follower("n3", 41, false), follower("n2", 1)] });
    await handOver(raft, silent);
    expect(raft.tried).toEqual(["n2"]);
  });

  it.each([{ role: "follower" }, { membership: null }, { connected: [] }])(
    "does nothing with %j",
    async (part) => {
      const raft = leader([], part);
      await handOver(raft, silent);
      expect(raft.tried).toEqual([]);
    },
  );
});
