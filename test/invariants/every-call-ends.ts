import { InvariantViolation } from "./observation.js";

/** One call that a node took and has not answered yet. */
export interface OpenCall {
  readonly node: string;
  readonly what: string;
}

/** Once the faults are over, every call comes to its end: applied, refused, lost or unknown, but never silence. */
export function checkEveryCallEnds(open: readonly OpenCall[]): void {
  if (open.length === 0) return;
  const shown = open.slice(0, 5).map(({ node, what }) => `${what} at ${node}`);
  throw new InvariantViolation("every call ends", `${open.length} calls have no answer: ${shown.join("; ")}`);
}
