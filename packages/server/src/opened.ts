import type { RaftLog } from "@quorate/raft";

/** What has been opened so far; closed in reverse, each even if another one fails. */
export class Opened {
  readonly #log: RaftLog;
  readonly #closers: { readonly name: string; readonly close: () => Promise<void> }[] = [];

  constructor(log: RaftLog) {
    this.#log = log;
  }

  add(name: string, close: () => Promise<void>): { release(): void } {
    const closer = { name, close };
    this.#closers.push(closer);
    return { release: () => void this.#closers.splice(this.#closers.indexOf(closer), 1) };
  }

  async close(): Promise<void> {
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      try {
        await closer.close();
      } catch (error) {
        this.#log.error({ err: error }, `closing ${closer.name} failed`);
      }
    }
  }
}
