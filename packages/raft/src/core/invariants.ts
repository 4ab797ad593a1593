/** What must hold between two inputs, whatever came: checked after every `ready()`, in production too. */
import { broken } from "./assert.js";
import type { Server } from "./server.js";

/** Throws `RaftInvariantError`: from here on, nothing that this server says can be trusted. */
export function checkInvariants(server: Server): void {
  const { log, applier, commit, term, leadership } = server;
  const { compacted, lastIndex, lastTerm, durable: logDurable } = log;
  const { durable, applied, handed } = applier;
  if (compacted.index > durable || durable > applied || applied > handed || handed > commit) {
    throw broken("compacted ≤ durably applied ≤ applied ≤ handed out ≤ committed", {
      compacted: compacted.index,
      durable,
      applied,
      handed,
      commit,
    });
  }
  if (commit > lastIndex || logDurable > lastIndex) {
    throw broken("committed and durable end with the log", { commit, durable: logDurable, lastIndex });
  }
  if (lastTerm > term) throw broken("no entry is of a later term than the current one", { lastTerm, term });
  if ((server.role === "leader") !== (leadership !== null)) {
    throw broken("leadership belongs to the leader", { role: server.role });
  }
  if (leadership === null) return;
  for (const [follower, { match, next }] of leadership.progress) {
    if (match < next && next <= lastIndex + 1) continue;
    throw broken("match < next ≤ last + 1", { follower, match, next, lastIndex });
  }
}
