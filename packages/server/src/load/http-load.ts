/** A load over HTTP, in real time. */
import type { Calls } from "./calls.js";
import { HttpConnection } from "./http-connection.js";
import { type LoadResult, runLoad } from "./run-load.js";

export interface HttpLoadOptions {
  /** Base URLs (`http:`); the connections start evenly spread over them. */
  readonly urls: readonly string[];
  readonly calls: Calls;
  readonly connections: number;
  /** Calls a second of an open loop; null for a closed one. */
  readonly perSecond: number | null;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Silence after which a call counts as lost. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly onSecond?: (elapsedMs: number, answered: number) => void;
}

/** @throws TypeError for what is no URL */
export async function runHttpLoad(options: HttpLoadOptions): Promise<LoadResult> {
  const { calls, timeoutMs, connections, ...rest } = options;
  const urls = options.urls.map((url) => new URL(url));
  const channels = Array.from(
    { length: connections },
    (_, number) => new HttpConnection({ urls, number, calls, timeoutMs }),
  );
  try {
    return await runLoad({
      ...rest,
      clock: realTime,
      channels,
      kinds: calls.kinds.map((kind) => kind.name),
      kindOf: calls.kindOf,
      drainMs: timeoutMs,
    });
  } finally {
    for (const channel of channels) channel.close();
  }
}

const realTime = {
  monotonicMs: () => performance.now(),
  after: (delayMs: number, callback: () => void) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
