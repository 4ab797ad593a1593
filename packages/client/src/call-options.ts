/** What a caller may ask of a single call, checked, and the headers that say it. */

export type Consistency = "linearizable" | "stale";

export interface CallOptions {
  /** Milliseconds for the whole call, waiting and retries included. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /**
   * Gives the call up. It rejects with the signal's reason if it was surely not executed, otherwise with
   * `OutcomeUnknownError` whose `cause` is the reason: an abort does not undo what has left.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Doing it twice is the same as doing it once: the call is repeated also when its outcome is unknown, and
   * when a node gave no answer for a third of the time.
   */
  readonly safe?: boolean | undefined;
  /**
   * For queries: `linearizable` (default) sees every write acknowledged before the call; `stale` is answered
   * by the first node of the list that can be reached, from what it has executed. Commands take no notice.
   */
  readonly consistency?: Consistency | undefined;
  /** With `stale`: how old the state may be at most, in milliseconds. */
  readonly maxStalenessMs?: number | undefined;
  /** With `stale`: a `Client.lastIndex`, of this or another client; the state must have reached it. */
  readonly minIndex?: string | undefined;
}

export const callOptionNames = [
  "timeoutMs",
  "signal",
  "safe",
  "consistency",
  "maxStalenessMs",
  "minIndex",
] as const satisfies readonly (keyof CallOptions)[];

/** A mistyped option would go without effect, and a call without the bound that it was meant to have. @throws TypeError */
export function refuseUnknown(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(`unknown option ${JSON.stringify(name)}; expected one of ${known.join(", ")}`);
    }
  }
}

/** The server's notation of a duration takes nine digits. */
const stalenessMsMax = 999_999_999;
/** Node's timers hold 31 bits. */
const timeoutMsMax = 2 ** 31 - 1;

/** @throws TypeError */
export function checkTimeout(ms: number): number {
  if (typeof ms === "number" && ms > 0 && ms <= timeoutMsMax) return ms;
  throw new TypeError(`timeoutMs: expected milliseconds from 1 to ${timeoutMsMax}, got ${String(ms)}`);
}

/** The headers for these options. @throws TypeError */
export function optionHeaders({
  consistency,
  maxStalenessMs,
  minIndex,
}: CallOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  if (consistency !== undefined) {
    if (consistency !== "linearizable" && consistency !== "stale") {
      throw new TypeError(`consistency: expected linearizable or stale, got ${String(consistency)}`);
    }
    headers["quorate-consistency"] = consistency;
  }
  if ((maxStalenessMs !== undefined || minIndex !== undefined) && consistency !== "stale") {
    throw new TypeError(
      "maxStalenessMs and minIndex bound stale reads: add consistency: stale, or leave them out",
    );
  }
  if (maxStalenessMs !== undefined) {
    if (!Number.isInteger(maxStalenessMs) || maxStalenessMs < 0 || maxStalenessMs > stalenessMsMax) {
      throw new TypeError(
        `maxStalenessMs: expected whole milliseconds from 0 to ${stalenessMsMax}, got ${String(maxStalenessMs)}`,
      );
    }
    headers["quorate-max-staleness"] = `${maxStalenessMs}ms`;
  }
  if (minIndex !== undefined) {
    if (parseIndex(minIndex) === null) {
      throw new TypeError(
        `minIndex: expected a client's lastIndex such as c0ffee00:41, got ${String(minIndex)}`,
      );
    }
    headers["quorate-min-index"] = minIndex;
  }
  return headers;
}

/** The later of two `Quorate-Index`; the new one where it is of another cluster, or the only one. */
export function laterIndex(known: string | null, seen: string | undefined): string | null {
  const next = parseIndex(seen ?? "");
  if (seen === undefined || next === null) return known;
  const last = parseIndex(known ?? "");
  return last?.tag === next.tag && last.index >= next.index ? known : seen;
}

function parseIndex(text: string): { readonly tag: string; readonly index: number } | null {
  const [, tag, digits] = /^([0-9a-f]{8}):(0|[1-9]\d{0,15})$/.exec(text) ?? [];
  return tag === undefined ? null : { tag, index: Number(digits) };
}
