/**
 * A history of any length, checked in pieces: calls go to new keys after a while, and the old keys are checked
 * as soon as their last call has ended. Keys are independent, so the pieces together are the whole.
 */

import type { RegisterHistory, RegisterOperation } from "../cluster/workload.js";
import { checkLinearizable } from "../linearizability/checker.js";
import { registerModel } from "../linearizability/register-model.js";

const keysPerWindow = 4;

interface Window {
  readonly number: number;
  readonly history: RegisterHistory;
  begun: number;
}

export class WindowedHistory {
  /** What is wrong, with the calls that show it; empty when nothing is. */
  readonly violations: { readonly reason: string; readonly history: RegisterHistory }[] = [];
  calls = 0;
  windows = 0;
  readonly #callsPerWindow: number;
  readonly #open = new Map<number, Window>();
  #current: Window;

  constructor(callsPerWindow = 600) {
    this.#callsPerWindow = callsPerWindow;
    this.#current = this.#next(0);
  }

  /** The key of a call that begins now. Each one must be ended. */
  begin(random: () => number): string {
    if (this.#current.begun >= this.#callsPerWindow) this.#current = this.#next(this.#current.number + 1);
    this.#current.begun++;
    return `r/${this.#current.number}/k${Math.floor(random() * keysPerWindow)}`;
  }

  end(operation: RegisterOperation): void {
    const number = Number(operation.op.key.split("/")[1]);
    const window = this.#open.get(number);
    if (window === undefined) throw new Error(`no window is open for ${operation.op.key}`);
    window.history.push(operation);
    this.calls++;
    if (window !== this.#current) this.#maybeCheck(window);
  }

  /** Checks what is left; every call must have ended. */
  finish(): void {
    for (const window of [...this.#open.values()]) this.#maybeCheck(window);
    if (this.#open.size > 0) throw new Error("calls are still open");
  }

  #next(number: number): Window {
    const window: Window = { number, history: [], begun: 0 };
    const last = this.#open.get(number - 1);
    this.#open.set(number, window);
    if (last !== undefined) this.#maybeCheck(last);
    return window;
  }

  #maybeCheck(window: Window): void {
    if (window.history.length < window.begun) return;
    this.#open.delete(window.number);
    this.windows++;
    const verdict = checkLinearizable(registerModel, window.history);
    if (!verdict.ok) this.violations.push({ reason: verdict.reason, history: window.history });
  }
}
