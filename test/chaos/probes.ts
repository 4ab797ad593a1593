/**
 * Writes of unique keys at a steady pace through every node, whatever became of the ones before: what they
 * show is how long the cluster acknowledges nothing, not how long some client waits for its answer.
 */
import type { ClusterNode } from "../cluster/cluster.js";
import { until } from "../cluster/cluster.js";
import { attempt, type RegisterOperation } from "../cluster/workload.js";

/** Between two probes of one node. */
const periodMs = 100;
/** Longer than a node lets a call wait. */
const timeoutMs = 12_000;
export const probePrefix = "p/";

type OnEnd = (kind: RegisterOperation["outcome"]["kind"]) => void;

export class Probes {
  /** What the cluster said yes to, by key. */
  readonly acknowledged = new Map<string, string>();
  /** When answers came, in order; the clock of `performance.now()`. */
  readonly acknowledgedAt: number[] = [];
  readonly #nodes: readonly ClusterNode[];
  readonly #onEnd: OnEnd;
  readonly #timer: NodeJS.Timeout;
  readonly #open = new Set<Promise<void>>();
  /** When the newest acknowledged probe of each node was sent. */
  readonly #sentAt = new Map<string, number>();
  #count = 0;
  #failure: unknown = null;

  constructor(nodes: readonly ClusterNode[], onEnd: OnEnd) {
    this.#nodes = nodes;
    this.#onEnd = onEnd;
    this.#timer = setInterval(() => this.#send(), periodMs / nodes.length);
  }

  /** Every node acknowledged a write that was sent after that moment. */
  everyNodeSince(moment: number): boolean {
    return this.#nodes.every(({ id }) => (this.#sentAt.get(id) ?? Number.NEGATIVE_INFINITY) > moment);
  }

  /** Resolves when every probe has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await until("the last probes to end", async () => (this.#open.size === 0 ? true : undefined));
    if (this.#failure !== null) throw this.#failure;
  }

  #send(): void {
    const number = this.#count++;
    const node = this.#nodes[number % this.#nodes.length];
    if (node === undefined) return;
    const [key, text] = [`${probePrefix}${node.id}/${number}`, `probe ${number}`];
    const sentAt = performance.now();
    const probe = attempt(node.url, "kv.set", [key, text], { timeoutMs })
      .then((end) => {
        if (end.kind === "fault") throw end.fault;
        this.#onEnd(end.kind);
        if (end.kind !== "ok") return;
        this.acknowledged.set(key, text);
        this.acknowledgedAt.push(performance.now());
        this.#sentAt.set(node.id, Math.max(sentAt, this.#sentAt.get(node.id) ?? 0));
      })
      .catch((error: unknown) => {
        this.#failure ??= error;
      });
    this.#open.add(probe);
    probe.finally(() => this.#open.delete(probe));
  }
}

/**
 * Every time without an acknowledged write that reaches into `[from, to]`, in order; so are the moments. Each in
 * milliseconds.
 */
export function gapsMs(acknowledgedAt: readonly number[], from: number, to: number): readonly number[] {
  const first = firstAtOrAfter(acknowledgedAt, from);
  const gaps: number[] = [];
  let previous = acknowledgedAt[first - 1] ?? from;
  for (let next = first; previous < to; next++) {
    const at = Math.min(acknowledgedAt[next] ?? to, to);
    gaps.push(at - previous);
    previous = at;
  }
  return gaps;
}

/** The longest of them. */
export function longestGapMs(acknowledgedAt: readonly number[], from: number, to: number): number {
  return gapsMs(acknowledgedAt, from, to).reduce((longest, gap) => Math.max(longest, gap), 0);
}

/** By halving: a day's run has millions of them. */
function firstAtOrAfter(moments: readonly number[], moment: number): number {
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((moments[middle] ?? 0) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
