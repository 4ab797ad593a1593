import { type NodeStatus, RequestFailed } from "@quorate/raft";
import type { Membership } from "@quorate/raft/core";
import { describe, expect, it } from "vitest";
import { decodeValue, encodeValue } from "../state/value-encoding.js";
import { ClockCheck, type ClockCheckOptions } from "./clock-check.js";
import type { ClusterView } from "./cluster-watch.js";
import { ManualClock } from "./testing-rig.js";
import { unbornStatus } from "./testing-status.js";

const hour = 3_600_000;
const quiet = () => undefined;

/** Node n1, among nodes whose clocks the test sets. */
class Rig {
  readonly clock = new ManualClock();
  /** Milliseconds that each node's clock is ahead of the true time; null = it does not answer. */
  readonly ahead: Record<string, number | null> = {};
  /** From question to answer, milliseconds. */
  roundTripMs = 0;
  /** These do not take leadership over. */
  unwilling: readonly string[] = [];
  readonly logged: string[] = [];
  readonly transfers: string[] = [];
  readonly check: ClockCheck;
  readonly #voters: readonly string[];
  #leads = false;
  #term = 1;
  #changed: () => void = quiet;

  constructor(voters: readonly string[] = ["n1", "n2", "n3"]) {
    this.#voters = voters;
    this.check = new ClockCheck(this.#options());
  }

  async rounds(count = 1): Promise<void> {
    for (let round = 0; round < count; round++) {
      this.clock.advance(5_000);
      await this.settle();
    }
  }

  async settle(): Promise<void> {
    const turns = async () => {
      for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    };
    await turns();
    this.clock.advance(this.roundTripMs);
    await turns();
  }

  /** Now this node leads, and can serve. */
  async elect(): Promise<void> {
    this.#leads = true;
    this.#term += 1;
    this.#changed();
    await this.settle();
  }

  get leads(): boolean {
    return this.#leads;
  }

  #wallMs(node: string): number {
    return 1_700_000_000_000 + this.clock.monotonicMs() + (this.ahead[node] ?? 0);
  }

  #status(): NodeStatus {
    const voters = this.#voters;
    const others = voters.filter((id) => id !== "n1");
    // The first one has the longest log.
    const followers = others.map((id, at) => ({ id, match: 10 - at, state: "replicate", active: true }));
    return {
      ...unbornStatus,
      role: this.#leads ? "leader" : "follower",
      membership: { clusterId: "c", members: [], voters, votersOutgoing: [], learners: [] } as Membership,
      connected: others,
      followers: this.#leads ? (followers as unknown as NodeStatus["followers"]) : [],
    };
  }

  #options(): ClockCheckOptions {
    const rig = this;
    const note = (level: string) => (_: object, text: string) => void this.logged.push(`${level}: ${text}`);
    return {
      raft: {
        status: () => this.#status(),
        request: (peer, question) => this.#ask(peer, question),
        transfer: async (to) => {
          this.transfers.push(to);
          if (this.unwilling.includes(to)) throw new Error(`${to} is busy`);
          this.#leads = false;
        },
      },
      watch: {
        get view() {
          return { serves: rig.#leads, term: rig.#term } as ClusterView;
        },
        onChange: (listener) => {
          this.#changed = listener;
          return () => {
            this.#changed = quiet;
          };
        },
      },
      codec: { encodeValue, decodeValue },
      clock: this.clock,
      wallMs: () => this.#wallMs("n1"),
      log: { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") },
    };
  }

  async #ask(peer: string, question: Uint8Array): Promise<Uint8Array> {
    if (this.ahead[peer] === null) throw new RequestFailed("not connected", false);
    const peerCheck = new ClockCheck({
      ...this.#options(),
      watch: { view: {} as ClusterView, onChange: () => quiet },
      clock: { after: () => quiet, monotonicMs: () => 0 },
      wallMs: () => this.#wallMs(peer),
    });
    expect(peerCheck.isQuestion(decodeValue(question))).toBe(true);
    // At once, so that the whole round trip is the way back: as wrong as the measurement can be.
    const answer = await peerCheck.answer();
    await new Promise<void>((resolve) => {
      this.clock.after(this.roundTripMs, resolve);
    });
    return encodeValue(answer);
  }
}

describe("a node whose clock is that of the majority", () => {
  it.each([
    ["all agree", { n2: 100, n3: -100 }],
    ["a follower is far", { n2: hour, n3: 900 }],
    ["one is missing", { n2: null, n3: 10 }],
  ])("leads on and says nothing where %s", async (_, ahead) => {
    const rig = new Rig();
    Object.assign(rig.ahead, ahead);
    await rig.elect();
    await rig.rounds(3);
    expect(rig).toMatchObject({ leads: true, logged: [], transfers: [] });
    expect(Math.abs(rig.check.aheadMs ?? Number.NaN)).toBeLessThan(1_000);
  });
});

describe("a node whose clock is far from the majority's", () => {
  it.each([
    [hour, "3600.0 s ahead of"],
    [-hour, "3600.0 s behind"],
    [1_500, "1.5 s ahead of"],
  ])("by %d ms hands leadership to the voter of the majority with the longest log", async (ahead, apart) => {
    const rig = new Rig();
    await rig.elect();
    rig.ahead.n1 = ahead;
    await rig.rounds();
    expect(rig).toMatchObject({ leads: false, transfers: ["n2"] });
    expect(rig.logged).toEqual([
      `warn: this node's clock is ${apart} that of the majority (n2, n3), so it does not lead while one of them can: look ` +
        "whether NTP runs on this machine and reaches its servers",
      "info: leadership was handed over to n2",
    ]);
    expect(rig.check.aheadMs).toBe(ahead);
  });

  it("only says so, once, while it does not lead", async () => {
    const rig = new Rig();
    rig.ahead.n1 = -5_000;
    await rig.rounds(3);
    expect(rig.transfers).toEqual([]);
    expect(rig.logged).toEqual([
      expect.stringMatching(/^warn: .* 5\.0 s behind that of the majority \(n2, n3\)/),
    ]);
  });

  it("hands over each time that it is elected, at once, and does not explain it again", async () => {
    const rig = new Rig();
    rig.ahead.n1 = hour;
    await rig.elect();
    expect(rig).toMatchObject({ leads: false, transfers: ["n2"] });
    rig.logged.length = 0;
    await rig.elect();
    await rig.elect();
    expect(rig).toMatchObject({ leads: false, transfers: ["n2", "n2", "n2"] });
    expect(new Set(rig.logged)).toEqual(new Set(["info: leadership was handed over to n2"]));
  });

  it("does not hand over to one whose clock is far, too, or not known", async () => {
    const rig = new Rig(["n1", "n2", "n3", "n4", "n5", "n6", "n7"]);
    Object.assign(rig.ahead, { n1: hour, n2: -hour, n3: null });
    await rig.elect();
    expect(rig).toMatchObject({ leads: false, transfers: ["n4"] });
  });

  it("asks the next one where the first one does not take over, and everybody again later", async () => {
    const rig = new Rig();
    rig.ahead.n1 = hour;
    rig.unwilling = ["n2", "n3"];
    await rig.elect();
    expect(rig).toMatchObject({ leads: true, transfers: ["n2", "n3"] });
    rig.unwilling = ["n2"];
    await rig.rounds();
    expect(rig).toMatchObject({ leads: false, transfers: ["n2", "n3", "n2", "n3"] });
  });

  it("says when it is near again, which is well within the limit, and may lead then", async () => {
    const rig = new Rig();
    rig.ahead.n1 = hour;
    await rig.rounds();
    rig.logged.length = 0;
    rig.ahead.n1 = 600;
    await rig.rounds(2);
    expect(rig.logged).toEqual([]);
    rig.ahead.n1 = 400;
    await rig.rounds(2);
    expect(rig.logged).toEqual([
      "info: this node's clock agrees with that of the majority again: it may lead",
    ]);
    await rig.elect();
    await rig.rounds();
    expect(rig).toMatchObject({ leads: true, transfers: [] });
  });
});

describe("nothing is concluded", () => {
  it.each([
    ["from one against one, the third missing", { n2: hour, n3: null }],
    ["from nobody", { n2: null, n3: null }],
    ["from three that differ", { n2: hour, n3: -hour }],
  ])("%s", async (_, ahead) => {
    const rig = new Rig();
    Object.assign(rig.ahead, ahead);
    await rig.elect();
    await rig.rounds(3);
    expect(rig).toMatchObject({ leads: true, logged: [], transfers: [] });
    expect(rig.check.aheadMs).toBeNull();
  });

  it("from what a slow answer leaves open", async () => {
    const rig = new Rig();
    rig.roundTripMs = 1_800;
    rig.ahead.n1 = 900;
    await rig.elect();
    await rig.rounds(2);
    expect(rig).toMatchObject({ leads: true, logged: [], transfers: [] });
    rig.ahead.n1 = 3_000;
    await rig.rounds();
    expect(rig).toMatchObject({ leads: false, transfers: ["n2"] });
  });

  it("after the end", async () => {
    const rig = new Rig();
    rig.ahead.n1 = hour;
    rig.check.close();
    await rig.elect();
    await rig.rounds();
    expect(rig).toMatchObject({ leads: true, logged: [], transfers: [] });
    expect(rig.clock.timers).toBe(0);
  });
});
