import type { History, Operation } from "./history.js";
import type { Model } from "./model.js";

/**
 * The definition, executed: tries every order of every subset that holds all answered calls. Exponential;
 * for histories of a few calls, to check the checker.
 */
export function isLinearizableByDefinition<State, Op, Result>(
  model: Model<State, Op, Result>,
  history: History<Op, Result>,
): boolean {
  return canFinish(
    model,
    model.init,
    history.filter((operation) => operation.outcome.kind !== "failed"),
  );
}

function canFinish<State, Op, Result>(
  model: Model<State, Op, Result>,
  state: State,
  left: readonly Operation<Op, Result>[],
): boolean {
  if (left.every((operation) => operation.outcome.kind === "unknown")) return true;
  return left.some((operation) => {
    const mayBeFirst = left.every(
      ({ outcome }) => outcome.kind !== "ok" || outcome.returnedAt >= operation.calledAt,
    );
    if (!mayBeFirst) return false;
    const { outcome } = operation;
    const [ok, next] = model.step(state, operation.op, outcome.kind === "ok" ? outcome.result : undefined);
    return (
      ok &&
      canFinish(
        model,
        next,
        left.filter((other) => other !== operation),
      )
    );
  });
}
