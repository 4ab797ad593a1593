/**
 * Loaded into a node before its own code: writes down how long single steps of its event loop took. In processor time
 * beside time on the clock, because a machine that is busy with other things holds up everybody.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

export interface Step {
  /** Milliseconds on a processor, and spent waiting for one. */
  readonly ranMs: number;
  readonly waitedMs: number;
}

const tickMs = 5;
/** Shorter ones are of no interest. */
const recordedMsMin = 50;

const file = process.env.STEP_RECORD_FILE;
if (isMainThread && file !== undefined) record(file);

function record(file: string): void {
  let [ran, waited] = schedule();
  setInterval(() => {
    const [ranNow, waitedNow] = schedule();
    const step: Step = { ranMs: ranNow - ran, waitedMs: waitedNow - waited };
    [ran, waited] = [ranNow, waitedNow];
    if (step.ranMs + step.waitedMs >= recordedMsMin) appendFileSync(file, `${JSON.stringify(step)}\n`);
  }, tickMs).unref();
}

/** Of this thread; Linux counts nanoseconds. */
function schedule(): [ran: number, waited: number] {
  const [ran = 0, waited = 0] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "latin1")
    .split(" ")
    .map((field) => Number(field) / 1e6);
  return [ran, waited];
}
