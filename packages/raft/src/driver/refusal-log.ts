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

  /** True when that is news. */
  refused(peer: string, reason: string): boolean {
    if (this.#reasons.get(peer) === reason) return false;
    if (this.#reasons.size >= rememberedMax) this.#reasons.clear();
    this.#reasons.set(peer, reason);
    this.#log.warn({ peer, reason }, `no connection with ${peer}: ${reason}`);
    return true;
  }

  /** Why there is no connection with `peer`; undefined when it was not refused since it was connected last. */
  of(peer: string): string | undefined {
    return this.#reasons.get(peer);
  }

  connected(peer: string): void {
    this.#reasons.delete(peer);
  }
}
