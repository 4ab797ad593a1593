/** The `Clock` port on Node's own timers. */
import type { Clock } from "../ports/index.js";

/**
 * Real time. `nextTurn` is `setImmediate`: it runs after the poll phase, in which Node reads its sockets,
 * so whatever had already arrived is seen first.
 */
export function createNodeClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    after(delayMs, callback) {
      const timer = setTimeout(callback, Math.max(0, delayMs));
      return () => clearTimeout(timer);
    },
    nextTurn(callback) {
      setImmediate(callback);
    },
  };
}
