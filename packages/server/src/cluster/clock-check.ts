/**
 * `tx.now` is the leader's clock, so a node whose clock is wrong should not lead: one that is ahead would make time
 * stand still for the services until the others' clocks have caught up. Every node asks the other voters for their clocks from
 * time to time, and at once when it is elected:
 *
 *     a majority of the voters agrees, and is far from this node    it says so, once; if it leads, one of them is asked to
 *     a majority of the voters agrees, and is near                  it says so where it was far before
 *     too few answer, or no majority agrees                         nothing is concluded
 *
 * The offset is taken at the middle of the round trip, and half of the round trip is its uncertainty. No safety rests on
 * it: a node whose clock is wrong and that nobody can replace goes on leading.
 *
 * Question: `[version, "clock"]`; answer: `[version, "clock", milliseconds since 1970 UTC]`.
 */
import { isArray, type Value } from "@quorate/protocol";
import type { Clock, RaftLog } from "@quorate/raft";
import {
  agreeingMajority,
  type ClockMajority,
  type ClockReading,
  clocksAgreeMs,
  isFar,
} from "./clock-agreement.js";
import type { ClusterWatch } from "./cluster-watch.js";
import { forwardVersion } from "./forwarding.js";
import { giveAway, successors } from "./hand-over.js";
import type { Raft, Service } from "./ports.js";

export interface ClockCheckOptions {
  readonly raft: Pick<Raft, "status" | "request"> & { transfer(to: string): Promise<void> };
  readonly watch: Pick<ClusterWatch, "view" | "onChange">;
  readonly codec: Pick<Service, "encodeValue" | "decodeValue">;
  readonly clock: Pick<Clock, "after" | "monotonicMs">;
  /** This node's clock: milliseconds since 1970 UTC. */
  readonly wallMs: () => number;
  readonly log: RaftLog;
}

const pauseMs = 5_000;
const questionTimeoutMs = 2_000;

export class ClockCheck {
  readonly #options: ClockCheckOptions;
  readonly #unsubscribe: () => void;
  #aheadMs: number | null = null;
  #far = false;
  /** The last term in which this node was elected and checked at once. */
  #electedIn = -1;
  #asking = false;
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(options: ClockCheckOptions) {
    this.#options = options;
    this.#unsubscribe = options.watch.onChange(() => this.#whenElected());
    this.#later();
  }

  /** This node's clock minus the majority's, milliseconds, as it was last found; null = never. */
  get aheadMs(): number | null {
    return this.#aheadMs;
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    this.#cancel();
  }

  isQuestion(message: Value): boolean {
    return isArray(message) && message[0] === forwardVersion && message[1] === "clock";
  }

  async answer(): Promise<Value> {
    return [forwardVersion, "clock", this.#options.wallMs()];
  }

  #later(): void {
    if (this.#closed) return;
    this.#cancel = this.#options.clock.after(pauseMs, () => this.#start());
  }

  #whenElected(): void {
    const { serves, term } = this.#options.watch.view;
    if (!serves || term === this.#electedIn) return;
    this.#electedIn = term;
    this.#start();
  }

  /** A check that is under way learns by itself that this node leads now. */
  #start(): void {
    if (this.#closed || this.#asking) return;
    this.#cancel();
    this.#asking = true;
    const end = () => {
      this.#asking = false;
      this.#later();
    };
    this.#check().then(end, (error: unknown) => {
      this.#options.log.warn({ err: error }, "the clocks of other nodes cannot be compared");
      end();
    });
  }

  async #check(): Promise<void> {
    const { id, membership, connected } = this.#options.raft.status();
    if (membership === null) return;
    const { voters } = membership;
    const readings = await Promise.all(
      voters.map((voter): Promise<ClockReading | null> | ClockReading | null => {
        if (voter === id) return { node: id, offsetMs: 0, uncertaintyMs: 0 };
        return connected.includes(voter) ? this.#clockOf(voter) : null;
      }),
    );
    const majority = agreeingMajority(
      readings.filter((reading) => reading !== null),
      voters.length,
    );
    if (this.#closed || majority === null) return;
    this.#judge(id, majority);
    if (this.#far) await this.#giveWay(majority);
  }

  /** Null when it does not answer. */
  async #clockOf(node: string): Promise<ClockReading | null> {
    const { raft, codec, clock, wallMs } = this.#options;
    try {
      const askedAt = clock.monotonicMs();
      const question = codec.encodeValue([forwardVersion, "clock"]);
      const fields = codec.decodeValue(await raft.request(node, question, questionTimeoutMs));
      const uncertaintyMs = (clock.monotonicMs() - askedAt) / 2;
      const [, what, theirs] = isArray(fields) ? fields : [];
      if (what !== "clock" || typeof theirs !== "number" || !Number.isFinite(theirs)) return null;
      return { node, offsetMs: theirs - (wallMs() - uncertaintyMs), uncertaintyMs };
    } catch {
      // Not connected, stopping, too slow, or of a version that does not tell: its clock is not known.
      return null;
    }
  }

  #judge(own: string, { aheadMs, readings }: ClockMajority): void {
    const { log } = this.#options;
    const others = readings.filter(({ node }) => node !== own);
    this.#aheadMs = aheadMs;
    // A clock that was far must come closer than one that becomes far: at the limit nobody wants to read of every turn.
    const far = isFar(others, this.#far ? clocksAgreeMs / 2 : clocksAgreeMs);
    if (far === this.#far) return;
    this.#far = far;
    const nodes = others.map(({ node }) => node);
    if (!far) {
      log.info({ aheadMs, nodes }, "this node's clock agrees with that of the majority again: it may lead");
      return;
    }
    const apart = `${(Math.abs(aheadMs) / 1_000).toFixed(1)} s ${aheadMs > 0 ? "ahead of" : "behind"}`;
    log.warn(
      { aheadMs, nodes },
      `this node's clock is ${apart} that of the majority (${nodes.join(", ")}), so it does not lead while one of them ` +
        "can: look whether NTP runs on this machine and reaches its servers",
    );
  }

  async #giveWay({ readings }: ClockMajority): Promise<void> {
    const { raft, log } = this.#options;
    const right = successors(raft.status()).filter((id) => readings.some(({ node }) => node === id));
    await giveAway({ raft, log }, right);
  }
}
