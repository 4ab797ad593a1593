/** Time, as the driver needs it. Safety never rests on it. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin. */
  monotonicMs(): number;
  /** Calls back after at least `delayMs`; returns a function that cancels. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back after pending input (sockets) had one turn. */
  nextTurn(callback: () => void): void;
}
