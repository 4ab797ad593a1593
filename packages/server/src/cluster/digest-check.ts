/**
 * Nodes that execute the same log must come to the same state; a handler that is not deterministic, a rotten memory chip
 * or an engine that computes otherwise breaks that, and nobody would notice. So every node asks the others from time to
 * time for digests of the states that they passed (`Checkpoints`), and compares them with its own, entry by entry:
 *
 *     a majority of the voters has another digest    this node is wrong: it ends, and does not start again
 *     this node is part of the majority              it names who is not, once, in its log
 *     nobody has a majority                          it says so: which one is right is for people to find out
 *
 * Question: `[version, "digests"]`; answer: `[version, "digests", [[index, digest], …]]`, ascending.
 */
import { isArray, type Value } from "@quorate/protocol";
import type { Clock, RaftLog, RaftNode } from "@quorate/raft";
import { DivergedState } from "@quorate/raft/level";
import type { Checkpoint } from "../state/checkpoints.js";
import { forwardVersion } from "./forwarding.js";
import type { Raft, Service } from "./ports.js";

/** What the comparisons of this process have found. */
export interface DigestFindings {
  /** When the last one was held with at least one other node: milliseconds since 1970 UTC; null = never. */
  readonly comparedAtMs: number | null;
  /** The last entry after which all states that could be compared were equal; 0 = none. */
  readonly equalIndex: number;
  /** Whose they were, beside this node's own. */
  readonly equalWith: readonly string[];
  /** Comparisons that found different states. */
  readonly mismatches: number;
}

export interface DigestCheckOptions {
  readonly raft: Pick<Raft, "request"> & Pick<RaftNode<unknown>, "status">;
  readonly checkpoints: { readonly all: readonly Checkpoint[] };
  readonly codec: Pick<Service, "encodeValue" | "decodeValue">;
  readonly clock: Pick<Clock, "after">;
  /** Milliseconds since 1970 UTC; only shown. */
  readonly wallMs: () => number;
  readonly log: RaftLog;
  /** Called once: what this node answers is not what the cluster decided. */
  readonly onDiverged: (error: DivergedState) => void;
}

const pauseMs = 5_000;
const questionTimeoutMs = 2_000;

export class DigestCheck {
  readonly #options: DigestCheckOptions;
  /** Whom this node has named already. */
  readonly #named = new Set<string>();
  #findings: DigestFindings = { comparedAtMs: null, equalIndex: 0, equalWith: [], mismatches: 0 };
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(options: DigestCheckOptions) {
    this.#options = options;
    this.#later();
  }

  get findings(): DigestFindings {
    return this.#findings;
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  isQuestion(message: Value): boolean {
    return isArray(message) && message[0] === forwardVersion && message[1] === "digests";
  }

  async answer(): Promise<Value> {
    const own = this.#options.checkpoints.all;
    return [forwardVersion, "digests", own.map(({ index, digest }) => [index, digest])];
  }

  #later(): void {
    if (this.#closed) return;
    this.#cancel = this.#options.clock.after(pauseMs, () => {
      this.#compare().then(
        () => this.#later(),
        (error: unknown) => {
          this.#options.log.warn({ err: error }, "the digests of other nodes cannot be compared");
          this.#later();
        },
      );
    });
  }

  async #compare(): Promise<void> {
    const { raft, checkpoints } = this.#options;
    const { id, membership, connected } = raft.status();
    if (membership === null) return;
    const { voters } = membership;
    const peers = voters.filter((peer) => peer !== id && connected.includes(peer));
    const answers = await Promise.all(
      peers.map(async (peer) => [peer, await this.#digestsOf(peer)] as const),
    );
    // Newest first: an older difference would show there as well.
    for (const { index, digest } of [...checkpoints.all].reverse()) {
      const found = new Map([[id, digest]]);
      for (const [peer, digests] of answers) {
        const theirs = digests.get(index);
        if (theirs !== undefined) found.set(peer, theirs);
      }
      if (found.size === 1) continue;
      if (!this.#closed) this.#judge(index, id, found, voters);
      return;
    }
  }

  /** Empty when it does not answer. */
  async #digestsOf(peer: string): Promise<ReadonlyMap<number, Uint8Array>> {
    const { raft, codec } = this.#options;
    try {
      const question = codec.encodeValue([forwardVersion, "digests"]);
      const fields = codec.decodeValue(await raft.request(peer, question, questionTimeoutMs));
      const [, what, digests] = isArray(fields) ? fields : [];
      const pairs = what === "digests" && digests !== undefined && isArray(digests) ? digests : [];
      return new Map(
        pairs.flatMap((pair) => {
          const [index, digest] = isArray(pair) ? pair : [];
          return typeof index === "number" && digest instanceof Uint8Array ? [[index, digest] as const] : [];
        }),
      );
    } catch {
      // Not connected, stopping, or too slow: there is nothing to compare with.
      return new Map();
    }
  }

  #judge(
    index: number,
    own: string,
    found: ReadonlyMap<string, Uint8Array>,
    voters: readonly string[],
  ): void {
    const camps = new Map<string, string[]>();
    for (const [node, digest] of found) {
      const text = Buffer.from(digest).toString("hex").slice(0, 16);
      camps.set(text, [...(camps.get(text) ?? []), node]);
    }
    const comparedAtMs = this.#options.wallMs();
    if (camps.size === 1) {
      const equalWith = [...found.keys()].filter((node) => node !== own);
      this.#findings = { ...this.#findings, comparedAtMs, equalIndex: index, equalWith };
      return;
    }
    this.#findings = { ...this.#findings, comparedAtMs, mismatches: this.#findings.mismatches + 1 };
    const shown = [...camps].map(([digest, nodes]) => `${digest} on ${nodes.join(", ")}`).join("; ");
    const isMajority = (nodes: readonly string[]) =>
      2 * nodes.filter((node) => voters.includes(node)).length > voters.length;
    const right = [...camps.values()].find(isMajority);
    const { log, onDiverged } = this.#options;
    if (right !== undefined && !right.includes(own)) {
      this.close();
      onDiverged(
        new DivergedState(
          `after entry ${index} the states of a majority are equal, and this node's is not: ${shown}`,
        ),
      );
      return;
    }
    const wrong = [...found.keys()].filter((node) => right === undefined || !right.includes(node));
    if (wrong.every((node) => this.#named.has(node))) return;
    for (const node of wrong) this.#named.add(node);
    log.error(
      { index, nodes: wrong },
      right === undefined
        ? `the states of nodes differ after entry ${index}, and no majority agrees: ${shown}`
        : `the state of ${wrong.join(", ")} differs from that of the majority after entry ${index}: ${shown}`,
    );
  }
}
