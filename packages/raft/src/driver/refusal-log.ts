import type { RaftLog } from "./types.js";

/** Strangers are remembered up to this many; then all are forgotten and may be logged once more. */
const rememberedMax = 100;

/** Logs why handshakes failed: once per peer and reason, although dialling goes on for ever. */
export class RefusalLog {
  readonly #log: RaftLog;
  readonly #reasons = new Map<string, string>();

  constructor(log: RaftLog) {
    this.#log = log;
  }

  refused(peer: string, reason: string): void {
    if (this.#reasons.get(peer) === reason) return;
    if (this.#reasons.size >= rememberedMax) this.#reasons.clear();
    this.#reasons.set(peer, reason);
    this.#log.warn({ peer, reason }, `no connection with ${peer}: ${reason}`);
  }

  connected(peer: string): void {
    this.#reasons.delete(peer);
  }
}
