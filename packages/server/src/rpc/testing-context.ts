/** For tests: what surrounds a call that asks for nothing special. */
import type { CallContext } from "./ports.js";

export const plainContext: CallContext = {
  caller: "",
  consistency: "linearizable",
  maxStalenessMs: null,
  minIndex: null,
  route: "forward",
  idempotencyKey: null,
};
