/** Writes on disks whose every fdatasync and fsync takes some milliseconds longer, for all alike. */
import { SlowSync } from "../support/slow-sync.js";
import { isInstalled } from "../support/system.js";
import { inTurn, type Pace, type Series } from "./measurement.js";
import type { Options } from "./options.js";
import { measuredTable } from "./report.js";
import { type Data, Servers } from "./servers.js";

const targetNames = ["kv.set at the leader", "etcd put", "raw synced append"];

export interface Output {
  readonly progress: (text: string) => void;
  readonly title: (text: string) => void;
  readonly say: (text: string) => void;
}

/** By added milliseconds, then connections, then target. Empty, with a reason said, where syncs cannot be slowed. */
export async function slowDisks(
  options: Data & Pick<Options, "rounds" | "connections" | "delaysMs">,
  pace: Pace,
  { progress, title, say }: Output,
): Promise<object> {
  const found: Record<string, Record<string, Record<string, Series>>> = {};
  for (const delayMs of options.delaysMs) {
    let slow: SlowSync;
    try {
      slow = slowedBy(delayMs);
    } catch (error) {
      title(`slow disks are left out: ${error instanceof Error ? error.message : String(error)}`);
      return {};
    }
    using _ = slow;
    await using servers = await Servers.start({ ...options, beside: ["append", "etcd"], slow });
    const targets = servers.pick(targetNames);
    const perConnections: Record<string, Record<string, Series>> = {};
    for (const connections of options.connections) {
      const measured = await inTurn(targets, options.rounds, { ...pace, connections }, progress);
      title(
        `fdatasync and fsync + ${delayMs} ms, closed loop, ${connections} connection${connections === 1 ? "" : "s"}`,
      );
      say(measuredTable(targets, measured));
      perConnections[connections] = Object.fromEntries(measured);
    }
    found[delayMs] = perConnections;
  }
  return found;
}

function slowedBy(delayMs: number): SlowSync {
  if (process.platform !== "linux") throw new Error("only Linux can hold syncs back");
  if (!isInstalled("cc")) throw new Error("no C compiler (apt-get install build-essential)");
  return SlowSync.compile(delayMs);
}
