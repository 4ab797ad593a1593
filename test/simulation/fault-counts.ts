import type { RaftEvent } from "@quorate/raft/core";

/** How often each kind of fault happened. */
export class FaultCounts {
  readonly #eventKinds = new Map<RaftEvent["type"], string>();
  readonly #counts = new Map<string, { count: number }>();

  add(kind: string): void {
    const known = this.#counts.get(kind);
    if (known) known.count++;
    else this.#counts.set(kind, { count: 1 });
  }

  /** As `event TYPE`, without making that text each time. */
  addEvent(type: RaftEvent["type"]): void {
    const kind = this.#eventKinds.get(type) ?? `event ${type}`;
    if (!this.#eventKinds.has(type)) this.#eventKinds.set(type, kind);
    this.add(kind);
  }

  of(kind: string): number {
    return this.#counts.get(kind)?.count ?? 0;
  }

  get entries(): readonly (readonly [kind: string, count: number])[] {
    return [...this.#counts]
      .map(([kind, { count }]) => [kind, count] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
