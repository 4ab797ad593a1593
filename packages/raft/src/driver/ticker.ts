/** Turns real time into the core's ticks. */
import type { Clock } from "../ports/index.js";

/**
 * Calls `tick` once per `tickMs`, until stopped, with how late the timer came, in milliseconds.
 *
 * - Ticks are anchored to a fixed origin, not to "now + period", so that a late timer does not shift all
 *   later ones and nodes that stalled together do not fall into step.
 * - One tick at most per timer call: a process that slept ten periods has not *heard* ten periods of silence.
 * - A tick that comes a whole period late first gives the sockets one turn: the leader's heartbeat may lie
 *   in the receive buffer of a process that was merely busy.
 */
export function startTicker(clock: Clock, tickMs: number, tick: (lateMs: number) => void): () => void {
  const origin = clock.monotonicMs();
  let ticks = 0;
  let stopped = false;
  let cancel = arm();

  function arm(): () => void {
    const due = origin + (ticks + 1) * tickMs;
    return clock.after(Math.max(0, due - clock.monotonicMs()), onTimer);
  }

  function onTimer(): void {
    if (stopped) return;
    const elapsed = clock.monotonicMs() - origin;
    const lateMs = Math.max(0, elapsed - (ticks + 1) * tickMs);
    const passed = Math.floor(elapsed / tickMs);
    const late = passed > ticks + 1;
    // A timer may fire a fraction early; it still counts as the tick it was armed for.
    ticks = Math.max(passed, ticks + 1);
    cancel = arm();
    if (late) clock.nextTurn(() => tickUnlessStopped(lateMs));
    else tick(lateMs);
  }

  function tickUnlessStopped(lateMs: number): void {
    if (!stopped) tick(lateMs);
  }

  return () => {
    stopped = true;
    cancel();
  };
}
