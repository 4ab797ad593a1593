/** Waiting for Raft to know more: a leader where there is none, or any change after a refusal. */
import type { Clock } from "@quorate/raft";
import type { ClusterWatch } from "./cluster-watch.js";

/**
 * Calls `done(true)` when `met` holds after a change, `done(false)` after `waitMs`; exactly once, never
 * inside this call. Returns a function that gives up without calling.
 */
export function waitForChange(
  watch: Pick<ClusterWatch, "onChange">,
  clock: Pick<Clock, "after">,
  waitMs: number,
  met: () => boolean,
  done: (met: boolean) => void,
): () => void {
  const release = () => {
    unsubscribe();
    cancelTimer();
  };
  const unsubscribe = watch.onChange(() => {
    if (!met()) return;
    release();
    done(true);
  });
  const cancelTimer = clock.after(waitMs, () => {
    release();
    done(false);
  });
  return release;
}
