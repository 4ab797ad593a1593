/** Pauses between rounds of attempts: exponential, with full jitter, so that callers do not come in waves. */

const firstLimitMs = 20;
const lastLimitMs = 500;

/**
 * Milliseconds before round `round` (1 is the first repetition): evenly spread over 0 to a limit that doubles,
 * after what the server asked for.
 */
export function pauseMs(round: number, retryAfterMs: number, random: () => number = Math.random): number {
  const limit = Math.min(lastLimitMs, firstLimitMs * 2 ** Math.min(round - 1, 10));
  return retryAfterMs + random() * limit;
}

/** Resolves after `ms` or when the signal aborts, whichever is first. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
