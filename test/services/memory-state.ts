/** The applied state of one node, in memory: what a state machine reads, and where its effects go. */
import type { Effect, KeyRange, KeyValue, StateSnapshot, StateView } from "@quorate/raft";

export class MemoryState implements StateView {
  #pairs = new Map<string, KeyValue>();
  index = 0;
  /** Snapshots that were opened and not closed; a leak when it is not 0 after a call. */
  open = 0;
  /** Every scan that was asked for. */
  readonly scans: KeyRange[] = [];
  /** When set, reading this state fails with it. */
  failure: Error | null = null;

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.failure !== null) throw this.failure;
    return this.#pairs.get(nameOf(key))?.[1];
  }

  snapshot(): StateSnapshot {
    this.open++;
    const frozen = new MemoryState();
    frozen.#pairs = new Map(this.#pairs);
    return {
      index: this.index,
      get: (key) => frozen.get(key),
      scan: async (range) => {
        if (this.failure !== null) throw this.failure;
        this.scans.push(range);
        return frozen.#scan(range);
      },
      close: async () => {
        this.open--;
      },
    };
  }

  write(effects: readonly Effect[], index: number): void {
    for (const { key, value } of effects) {
      if (value === null) this.#pairs.delete(nameOf(key));
      else this.#pairs.set(nameOf(key), [key, value]);
    }
    this.index = index;
  }

  get size(): number {
    return this.#pairs.size;
  }

  #scan({ gte, gt, lt, lte, reverse, limit }: KeyRange): KeyValue[] {
    const found = [...this.#pairs.values()]
      .filter(
        ([key]) =>
          (gte === undefined || Buffer.compare(key, gte) >= 0) &&
          (gt === undefined || Buffer.compare(key, gt) > 0) &&
          (lt === undefined || Buffer.compare(key, lt) < 0) &&
          (lte === undefined || Buffer.compare(key, lte) <= 0),
      )
      .sort(([a], [b]) => Buffer.compare(a, b));
    if (reverse) found.reverse();
    return found.slice(0, limit);
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString("latin1");
}
