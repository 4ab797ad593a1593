import { type NodeStatus, type RaftLog, RequestFailed } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { decodeValue, encodeValue } from "../state/value-encoding.js";
import { isLeaderQuestion, type LeaderKnowledge, leaderToValue } from "./forwarding.js";
import { handOver } from "./hand-over.js";

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

/** A node whose peers say, each time they are asked, what `peers` tells; every timer ends at once. */
/** What a peer says, without the members, which nobody on its way out needs. */
type Known = Omit<LeaderKnowledge, "members">;

class Leaving {
  readonly tried: string[] = [];
  readonly warnings: string[] = [];
  /** Milliseconds that were waited through. */
  now = 0;
  asked = 0;
  status: NodeStatus;
  /** Transfers to these fail. */
  failing: readonly string[] = [];
  peers: (id: string, asked: number) => Known | null = (_id, asked) => ({
    leader: asked < 4 ? "n1" : "n3",
    stopping: false,
  });

  constructor(part: object = {}) {
    this.status = { ...leading, ...part } as unknown as NodeStatus;
  }

  async run(): Promise<this> {
    const log = { debug: () => undefined, info: () => undefined, error: () => undefined };
    await handOver({
      raft: {
        status: () => this.status,
        transfer: async (to) => {
          this.tried.push(to);
          if (this.failing.includes(to)) throw new Error(`${to} did not take over`);
          this.status = { ...this.status, role: "follower", leader: to };
        },
        request: async (peer, payload) => {
          expect(isLeaderQuestion(decodeValue(payload))).toBe(true);
          const answer = this.peers(peer, ++this.asked);
          if (answer === null) throw new RequestFailed("no answer", true);
          return encodeValue(leaderToValue({ ...answer, members: [] }));
        },
      },
      codec: { encodeValue, decodeValue },
      lastPauseMs: 500,
      clock: {
        monotonicMs: () => this.now,
        after: (delayMs, callback) => {
          this.now += delayMs;
          setImmediate(callback);
          return () => undefined;
        },
      },
      log: { ...log, warn: (_fields, message) => void this.warnings.push(message) } satisfies RaftLog,
    });
    return this;
  }
}

describe("giving leadership away", () => {
  it("tries the longest log first, among voters that are reachable", async () => {
    expect((await new Leaving().run()).tried).toEqual(["n3"]);
  });

  it("goes on with the next one", async () => {
    const node = new Leaving();
    node.failing = ["n3"];
    expect((await node.run()).tried).toEqual(["n3", "n2"]);
  });

  it("leaves out who was not heard of lately, and who stops as well", async () => {
    const inactive = new Leaving({ followers: [follower("n3", 41, false), follower("n2", 1)] });
    expect((await inactive.run()).tried).toEqual(["n2"]);
    const stopping = new Leaving();
    stopping.peers = (id, asked) => ({ leader: asked < 4 ? "n1" : "n2", stopping: id === "n3" });
    expect((await stopping.run()).tried).toEqual(["n2"]);
  });

  it("gives up after a while when nobody takes it, and says so", async () => {
    const node = new Leaving();
    node.failing = ["n2", "n3"];
    node.peers = () => ({ leader: "n1", stopping: false });
    await node.run();
    expect(node.tried.slice(0, 4)).toEqual(["n3", "n2", "n3", "n2"]);
    expect(node.now).toBeLessThan(6_000);
    expect(node.warnings.at(-1)).toMatch(/no other leader is known to all peers; stopping anyway/);
  });

  it.each([{ role: "follower" }, { membership: null }])("does nothing with %j", async (part) => {
    const node = new Leaving(part);
    node.peers = () => ({ leader: "n3", stopping: false });
    expect((await node.run()).tried).toEqual([]);
  });
});

describe("staying", () => {
  it("lasts until every connected peer names another leader, and a little longer", async () => {
    const node = new Leaving();
    node.peers = (id, asked) => ({ leader: id === "n2" && asked < 20 ? "n1" : "n3", stopping: false });
    await node.run();
    expect(node.asked).toBeGreaterThanOrEqual(20);
    expect(node.now).toBeGreaterThanOrEqual(500);
  });

  it("takes no answer for none, and a peer that does not know a leader for one that must be told", async () => {
    for (const early of [null, { leader: null, stopping: false }]) {
      const node = new Leaving({ role: "follower" });
      node.peers = (_id, asked) => (asked <= 9 ? early : { leader: "n2", stopping: false });
      await node.run();
      expect(node.asked).toBe(12);
    }
  });

  it("is over at once where nobody stays: alone, or with peers that stop as well", async () => {
    expect((await new Leaving({ connected: [] }).run()).now).toBe(0);
    const all = new Leaving();
    all.peers = () => ({ leader: "n1", stopping: true });
    expect(await all.run()).toMatchObject({ now: 0, tried: [] });
  });

  it("begins anew when this node was elected once more during the last pause", async () => {
    const node = new Leaving({ role: "follower", leader: "n2" });
    node.peers = (_id, asked) => {
      if (asked === 3) setImmediate(() => Object.assign(node, { status: { ...leading } }));
      return { leader: asked > 3 && asked < 7 ? "n1" : "n3", stopping: false };
    };
    expect((await node.run()).tried).toEqual(["n3"]);
  });
});
