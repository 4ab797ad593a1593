/**
 * A node that was removed from the cluster hears no leader any more, yet its clients still call it. For a while,
 * in which the others still take its connections, it asks them who leads, so that its calls go there; afterwards
 * callers are told by name. It keeps running: what supervises it would only start it again.
 *
 * It knows of its removal by its own log, or, when it was away meanwhile, by what the members say.
 */
import { type Clock, farewellMs, type RaftLog, RequestFailed } from "@quorate/raft";
import { type LeaderKnowledge, leaderFromValue, leaderQuestion } from "./forwarding.js";
import type { Raft, Service } from "./ports.js";

export interface FarewellOptions {
  readonly raft: Pick<Raft, "status" | "onChange" | "request">;
  readonly codec: Pick<Service, "encodeValue" | "decodeValue">;
  readonly clock: Pick<Clock, "after" | "monotonicMs">;
  readonly log: Pick<RaftLog, "warn">;
  /** Who loses its leader hears one again within this time, unless it was removed: two election timeouts. */
  readonly leaderWaitMs: number;
}

const questionTimeoutMs = 500;
const pauseMs = 250;

export class Farewell {
  readonly #options: FarewellOptions;
  readonly #listeners = new Set<() => void>();
  readonly #unsubscribe: () => void;
  #leader: string | null = null;
  /** By the members' word. */
  #toldSo = false;
  /** Since when this node hears no leader, and since when it counts as removed; null while that is not so. */
  #silentSince: number | null = null;
  #removedAt: number | null = null;
  /** Grows with each silence: what was asked in an earlier one is ignored. */
  #silence = 0;
  #said = false;

  constructor(options: FarewellOptions) {
    this.#options = options;
    this.#unsubscribe = options.raft.onChange(() => this.#look());
    this.#look();
  }

  /** Who leads the cluster that this node was removed from, as far as its members say; null otherwise. */
  get leader(): string | null {
    return this.#leader;
  }

  get removed(): boolean {
    return this.#toldSo || this.#options.raft.status().removed;
  }

  /** Called when `leader` or `removed` changed; returns a function that unsubscribes. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#unsubscribe();
    this.#listeners.clear();
    this.#silence += 1;
  }

  #look(): void {
    const status = this.#options.raft.status();
    const silent = status.born && status.leader === null;
    if (silent && this.#silentSince === null) {
      this.#silentSince = this.#options.clock.monotonicMs();
      this.#silence += 1;
      this.#tick(this.#silence);
    } else if (!silent && this.#silentSince !== null) {
      this.#silentSince = null;
      this.#removedAt = null;
      this.#silence += 1;
      this.#learn(null, false);
    }
  }

  /** An election needs no questions: only a removed node asks at once. */
  #tick(silence: number): void {
    if (silence !== this.#silence || this.#silentSince === null) return;
    const { clock, leaderWaitMs } = this.#options;
    if (this.removed || clock.monotonicMs() - this.#silentSince >= leaderWaitMs) this.#ask(silence);
    else this.#later(silence);
  }

  #later(silence: number): void {
    this.#options.clock.after(pauseMs, () => this.#tick(silence));
  }

  #ask(silence: number): void {
    const { raft, log } = this.#options;
    const { id, connected } = raft.status();
    Promise.all(connected.map((peer) => this.#askOne(peer))).then(
      (answers) => {
        if (silence === this.#silence && this.#heard(id, answers)) this.#later(silence);
      },
      (error: unknown) => {
        log.warn({ err: error }, "the members of the cluster cannot be asked who leads it");
        this.#later(silence);
      },
    );
  }

  async #askOne(peer: string): Promise<LeaderKnowledge | null> {
    const { raft, codec } = this.#options;
    try {
      const answer = await raft.request(peer, codec.encodeValue(leaderQuestion), questionTimeoutMs);
      return leaderFromValue(codec.decodeValue(answer));
    } catch (error) {
      // It has gone, or does not let this node in any more: others may know.
      if (error instanceof RequestFailed) return null;
      throw error;
    }
  }

  /** False: there is nothing more to ask. */
  #heard(id: string, answers: readonly (LeaderKnowledge | null)[]): boolean {
    const { raft, clock, leaderWaitMs } = this.#options;
    const known = answers.find((answer) => answer !== null && answer.leader !== null && answer.leader !== id);
    const removed = raft.status().removed || (known ? !known.members.includes(id) : this.#toldSo);
    if (!removed) {
      this.#removedAt = null;
      this.#learn(null, false);
      return true;
    }
    const now = clock.monotonicMs();
    this.#removedAt ??= now;
    if (now - this.#removedAt >= leaderWaitMs) this.#sayOnce();
    const over = now - this.#removedAt >= farewellMs;
    this.#learn(over ? null : (known?.leader ?? null), true);
    return !over;
  }

  #sayOnce(): void {
    if (this.#said) return;
    this.#said = true;
    this.#options.log.warn(
      {},
      `this node was removed from the cluster: for ${farewellMs / 1000} s its calls still go to the leader, then they are ` +
        "refused; stop it, and delete its data directory before it comes back",
    );
  }

  #learn(leader: string | null, toldSo: boolean): void {
    if (leader === this.#leader && toldSo === this.#toldSo) return;
    this.#leader = leader;
    this.#toldSo = toldSo;
    for (const listener of [...this.#listeners]) listener();
  }
}
