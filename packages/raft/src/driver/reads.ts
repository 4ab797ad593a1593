/** Linearizable reads on their way: batched, granted an index, waiting until it is applied. */
import type { GrantedRead, Index } from "../core/index.js";
import { NumberWindow } from "./number-window.js";
import { safely } from "./safely.js";
import type { RaftLog, ReadOutcome } from "./types.js";

type Settle = (outcome: ReadOutcome) => void;

/** All barriers of one turn share one context, and so one question to the core (thesis, section 6.4). */
export class Reads {
  readonly #log: RaftLog;
  #contexts = 0;
  #gathered: Settle[] = [];
  readonly #asked = new NumberWindow<readonly Settle[]>();
  #granted: { readonly index: Index; readonly settles: readonly Settle[] }[] = [];

  constructor(log: RaftLog) {
    this.#log = log;
  }

  add(settle: Settle): void {
    this.#gathered.push(settle);
  }

  /** The context to ask the core about for all reads gathered since the last call; null when there are none. */
  takeContext(): number | null {
    if (this.#gathered.length === 0) return null;
    const context = ++this.#contexts;
    this.#asked.set(context, this.#gathered);
    this.#gathered = [];
    return context;
  }

  granted({ context, index }: GrantedRead): void {
    const settles = this.#asked.get(context);
    if (settles === undefined) return;
    this.#asked.delete(context);
    this.#granted.push({ index, settles });
  }

  refused(context: number): void {
    const settles = this.#asked.get(context);
    this.#asked.delete(context);
    this.#end(settles ?? [], { kind: "refused" });
  }

  /** The state has applied everything up to `applied`: reads that waited for it may look now. */
  settle(applied: Index): void {
    if (this.#granted.length === 0) return;
    const due = this.#granted.filter(({ index }) => index <= applied);
    if (due.length === 0) return;
    this.#granted = this.#granted.filter(({ index }) => index > applied);
    for (const { settles } of due) this.#end(settles, { kind: "ready", index: applied });
  }

  abandon(): void {
    const waiting = [
      ...this.#gathered,
      ...this.#asked.entries().flatMap(([, settles]) => settles),
      ...this.#granted.flatMap(({ settles }) => settles),
    ];
    this.#gathered = [];
    this.#asked.clear();
    this.#granted = [];
    this.#end(waiting, { kind: "refused" });
  }

  #end(settles: readonly Settle[], outcome: ReadOutcome): void {
    for (const settle of settles) safely(this.#log, () => settle(outcome));
  }
}
