/**
 * When calls are meant to start in an open loop: evenly spaced, whatever happens to the ones before. The times are
 * computed from the first, never from the last, so that no lateness adds up and a backlog needs no memory.
 */
export class Schedule {
  #taken = 0;

  constructor(
    private readonly startMs: number,
    private readonly perSecond: number,
  ) {}

  /** When the next call is meant to start. */
  get nextMs(): number {
    return this.startMs + (this.#taken * 1000) / this.perSecond;
  }

  take(): number {
    const { nextMs } = this;
    this.#taken++;
    return nextMs;
  }
}
