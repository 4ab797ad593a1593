/** Clients must not use up the descriptors that the disk and the other nodes need: without these a node fails. */
import { readFileSync } from "node:fs";
import type { RaftLog } from "@quorate/raft";

/** LevelDB keeps up to 1,000 tables open; peers, logs and what is opened for a moment need the rest. */
const descriptorsInReserve = 1_200;

/** How many clients are taken: what the operator wants, if the system gives that many descriptors. */
export function connectionsMax(wanted: number, log: Pick<RaftLog, "warn">): number {
  const descriptors = descriptorLimit();
  const room = descriptors === null ? wanted : connectionRoom(descriptors);
  if (room >= wanted) return wanted;
  log.warn(
    { maxConnections: wanted, descriptors, room },
    `http.maxConnections is ${wanted}, but this process may open ${descriptors} files and sockets: ` +
      `taking ${room} clients at most, to keep some for disk and peers. Raise the limit (ulimit -n, LimitNOFILE)`,
  );
  return room;
}

/** How many clients may be connected, of what a process may open. Half of little, rather than nothing. */
export function connectionRoom(descriptors: number): number {
  return Math.max(descriptors - descriptorsInReserve, Math.floor(descriptors / 2), 1);
}

/** Files and sockets that this process may have open; null where the system does not say. */
export function descriptorLimit(file = "/proc/self/limits"): number | null {
  let limits: string;
  try {
    limits = readFileSync(file, "utf8");
  } catch {
    // Not Linux.
    return null;
  }
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? null : Number(soft);
}
