/**
 * The search is Wing and Gong's with Lowe's memoisation ("Testing for linearizability", 2017), as in
 * Porcupine: take any call that no other call surely precedes, execute it, go on; step back when stuck; never
 * visit the same (set of executed calls, state) twice. Keys are searched one by one.
 *
 * Unanswered calls would make this exponential, as each may happen at any later moment or never. Three
 * observations keep them cheap. A history is linearizable as soon as all *answered* calls are placed. An
 * unanswered call is worth placing only if the very next call would go otherwise without it: if that one
 * gives its answer and reaches its state either way, leaving the unanswered call out leads to the same place.
 * And states that no call can tell from each other count as one: of the unanswered calls that do the same
 * but for such a state, only the first one not placed needs to be tried.
 */
import { Bits } from "./bits.js";
import type { Operation } from "./history.js";
import type { Hints, Model } from "./model.js";

interface Call<Op, Result> {
  readonly op: Op;
  readonly result: Result | undefined;
  readonly calledAt: number;
  readonly returnedAt: number;
  readonly client: string;
  readonly hints: Hints;
}

/** Where the search stands before one more call is placed; kept to come back to it. */
interface Position<State> {
  readonly state: State;
  /** The state before an unanswered call that was placed last; undefined after an answered one. */
  readonly without: { readonly state: State } | undefined;
  readonly answeredLeft: number;
  /** First answered call, by call time, that is not placed. */
  readonly firstByCall: number;
  /** The same by return time (a position in `#byReturn`): nothing called after it returned may come before it. */
  readonly firstByReturn: number;
}

/** The most calls that could be put in order: what an explanation starts from. */
interface Deepest<State> {
  readonly state: State;
  /** Calls that might come next by their times. */
  readonly open: readonly number[];
  /** Later calls that the state must not be left without. */
  readonly waiting: readonly number[];
  readonly count: number;
}

/** The calls on one key. */
export class Search<State, Op, Result> {
  /** Answered calls first, by call time; then unanswered ones, by call time. */
  readonly #calls: Call<Op, Result>[];
  readonly #answered: number;
  readonly #placed: Bits;
  readonly #visited = new Set<string>();
  /** Positions of answered calls, by return time: the first one not placed bounds what may come next. */
  readonly #byReturn: number[];
  /** States that some call tells from others. */
  readonly #told = new Set<string>();
  /** For an unanswered call: the one before it that does the same; -1: there is none. */
  readonly #alikeBefore: number[] = [];
  /** Of the calls not placed: how many need a state, how many may make it. */
  readonly #needed = new Map<string, number>();
  readonly #makers = new Map<string, number>();
  #deepest: Deepest<State>;

  constructor(
    readonly model: Model<State, Op, Result>,
    operations: readonly Operation<Op, Result>[],
    readonly budget: { steps: number },
  ) {
    const calls = operations
      .map((operation) => toCall(model, operation))
      .sort((a, b) => a.calledAt - b.calledAt);
    const answered = calls.filter((call) => call.returnedAt !== Number.POSITIVE_INFINITY);
    this.#answered = answered.length;
    this.#calls = [...answered, ...calls.filter((call) => call.returnedAt === Number.POSITIVE_INFINITY)];
    this.#byReturn = answered
      .map((_, i) => i)
      .sort((a, b) => this.#call(a).returnedAt - this.#call(b).returnedAt);
    this.#placed = new Bits(this.#calls.length);
    this.#deepest = { state: model.init, open: [], waiting: [], count: -1 };
    for (const call of this.#calls) {
      this.#count(call, 1);
      for (const state of call.hints.tells) this.#told.add(state);
    }
    const newest = new Map<string, number>();
    for (let i = this.#answered; i < this.#calls.length; i++) {
      const { kind, makes } = this.#call(i).hints;
      const alike = `${kind}|${makes === undefined ? "" : this.#known(makes)}`;
      this.#alikeBefore[i] = newest.get(alike) ?? -1;
      newest.set(alike, i);
    }
  }

  run(): "possible" | "impossible" | "undecided" {
    const stack: { readonly position: Position<State>; readonly call: number }[] = [];
    let position: Position<State> = {
      state: this.model.init,
      without: undefined,
      answeredLeft: this.#answered,
      firstByCall: 0,
      firstByReturn: 0,
    };
    if (this.#nobodyMakes()) return "impossible";
    /** Where the scan for the next candidate goes on. */
    let from = 0;
    while (position.answeredLeft > 0) {
      const taken = this.#take(position, Math.max(from, position.firstByCall));
      if (taken === "undecided") return "undecided";
      if (taken) {
        stack.push({ position, call: taken.call });
        position = this.#advance(position, taken.call, taken.state);
        from = 0;
        continue;
      }
      this.#noteDeepest(position);
      const back = stack.pop();
      if (!back) return "impossible";
      this.#unplace(back.call);
      position = back.position;
      from = back.call + 1;
    }
    return "possible";
  }

  /** A call that needs a state which nothing can bring about. */
  #nobodyMakes(): Call<Op, Result> | undefined {
    const first = this.model.fingerprint(this.model.init);
    return this.#calls.find(
      ({ hints: { needs } }) => needs !== undefined && needs !== first && !this.#makers.get(needs),
    );
  }

  #advance(before: Position<State>, call: number, state: State): Position<State> {
    let { firstByCall, firstByReturn, answeredLeft } = before;
    const answered = call < this.#answered;
    if (answered) {
      answeredLeft--;
      while (this.#placed.has(this.#byReturn[firstByReturn] ?? -1)) firstByReturn++;
      while (firstByCall < this.#answered && this.#placed.has(firstByCall)) firstByCall++;
    }
    const without = answered ? undefined : { state: before.state };
    return { state, without, answeredLeft, firstByCall, firstByReturn };
  }

  #deadline(position: Position<State>): number {
    return this.#call(this.#byReturn[position.firstByReturn] ?? -1).returnedAt;
  }

  /** Places the first call from number `from` on that may come next and leads somewhere new. */
  #take(
    position: Position<State>,
    from: number,
  ): { readonly call: number; readonly state: State } | undefined | "undecided" {
    const { state, without } = position;
    const deadline = this.#deadline(position);
    for (let i = from; i < this.#calls.length; i++) {
      const call = this.#call(i);
      if (call.calledAt > deadline) {
        if (i >= this.#answered) return undefined;
        i = this.#answered - 1;
        continue;
      }
      if (this.#placed.has(i)) continue;
      const alike = this.#alikeBefore[i] ?? -1;
      if (alike >= 0 && !this.#placed.has(alike)) continue;
      if (--this.budget.steps < 0) return "undecided";
      const [ok, reached] = this.model.step(state, call.op, call.result);
      if (!ok) continue;
      const unanswered = i >= this.#answered;
      const fingerprint = this.model.fingerprint(reached);
      const left = this.model.fingerprint(state);
      if (unanswered && this.#known(fingerprint) === this.#known(left)) continue;
      if (without) {
        const [alsoOk, alsoReached] = this.model.step(without.state, call.op, call.result);
        if (alsoOk && this.#known(this.model.fingerprint(alsoReached)) === this.#known(fingerprint)) continue;
      }
      this.#place(i);
      if (left !== fingerprint && this.#needed.get(left) && !this.#makers.get(left)) {
        this.#unplace(i);
        continue;
      }
      const before = unanswered ? `?${this.#known(left)}` : "";
      const visited = `${this.#placed.text(position.firstByCall)}|${before}|${this.#known(fingerprint)}`;
      if (!this.#visited.has(visited)) {
        this.#visited.add(visited);
        return { call: i, state: reached };
      }
      this.#unplace(i);
    }
    return undefined;
  }

  /** One name for all states that no call can tell apart. */
  #known(fingerprint: string): string {
    return this.#told.has(fingerprint) ? `!${fingerprint}` : "*";
  }

  #place(i: number): void {
    this.#placed.add(i);
    this.#count(this.#call(i), -1);
  }

  #unplace(i: number): void {
    this.#placed.delete(i);
    this.#count(this.#call(i), 1);
  }

  #count({ hints: { needs, makes } }: Call<Op, Result>, change: 1 | -1): void {
    if (needs !== undefined) this.#needed.set(needs, (this.#needed.get(needs) ?? 0) + change);
    if (makes !== undefined) this.#makers.set(makes, (this.#makers.get(makes) ?? 0) + change);
  }

  #noteDeepest(position: Position<State>): void {
    const count = this.#answered - position.answeredLeft;
    if (count <= this.#deepest.count) return;
    const deadline = this.#deadline(position);
    const left = this.model.fingerprint(position.state);
    const open: number[] = [];
    const waiting: number[] = [];
    for (let i = 0; i < this.#calls.length; i++) {
      const call = this.#call(i);
      if (this.#placed.has(i)) continue;
      if (call.calledAt <= deadline) open.push(i);
      else if (call.hints.needs === left) waiting.push(i);
    }
    this.#deepest = { state: position.state, open: open.slice(0, 8), waiting: waiting.slice(0, 4), count };
  }

  /** The longest order that was found, and the calls none of which fits behind it. */
  explain(key: string): string {
    const orphan = this.#nobodyMakes();
    if (orphan) return `key ${key}: no call can have led to what this one saw:\n${this.#show(orphan)}`;
    const { state, open, waiting, count } = this.#deepest;
    const lines = [
      `key ${key}: ${count} of ${this.#answered} answered calls can be put in order,`,
      `leaving the state ${JSON.stringify(state)}; none of these can come next:`,
      ...open.map((i) => this.#describe(i)),
    ];
    if (waiting.length > 0)
      lines.push("while these later ones need that state:", ...waiting.map((i) => this.#describe(i)));
    return lines.join("\n");
  }

  #describe(i: number): string {
    return this.#show(this.#call(i));
  }

  #show({ returnedAt, client, calledAt, op, result }: Call<Op, Result>): string {
    const until = returnedAt === Number.POSITIVE_INFINITY ? "no answer" : `${returnedAt}`;
    return `  client ${client} [${calledAt}, ${until}] ${this.model.describe(op, result)}`;
  }

  #call(i: number): Call<Op, Result> {
    const call = this.#calls[i];
    if (!call) throw new RangeError(`no call ${i} among ${this.#calls.length}`);
    return call;
  }
}

function toCall<State, Op, Result>(
  model: Model<State, Op, Result>,
  operation: Operation<Op, Result>,
): Call<Op, Result> {
  const { op, calledAt, client, outcome } = operation;
  const result = outcome.kind === "ok" ? outcome.result : undefined;
  const returnedAt = outcome.kind === "ok" ? outcome.returnedAt : Number.POSITIVE_INFINITY;
  return { op, calledAt, client, result, returnedAt, hints: model.hints(op, result) };
}
