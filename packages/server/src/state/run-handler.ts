/** Runs one handler to its end: a value, a fault, or the wish for a range. */
import { Fault, faultCodes, type Value } from "@quorate/protocol";
import { isNormal } from "../services/is-normal.js";
import { normalize } from "../services/normalize.js";
import type { RegisteredMethod, Registry } from "../services/registry.js";
import { TypeMismatch } from "../services/type.js";
import type { Run } from "./call-context.js";
import type { RangeRequest } from "./range.js";
import type { CallResult, ServiceLog } from "./types.js";

/** Text of the fault for every throw that is not a Fault: the throw's own text differs between Node versions. */
export const applicationErrorText = "application error; the log of the server has the details";

/**
 * V8 ran out of something. Whether and where that happens differs between nodes, so it is never a result:
 * of a command it stops the node, of a query it is an internal fault.
 */
export class EngineFailure extends Error {
  override readonly name = "EngineFailure";
}

/** Messages of V8's own limits; a RangeError with another message is the author's mistake. */
const engineLimits = [
  "Maximum call stack size exceeded",
  "Invalid string length",
  "Array buffer allocation failed",
  "Map maximum size exceeded",
  "Set maximum size exceeded",
];

export function faultResult(fault: Fault): CallResult {
  return { ok: false, fault: { code: fault.faultCode, message: sendable(fault.message) } };
}

/** Characters that XML 1.0 cannot carry would lose the whole answer. */
function sendable(text: string): string {
  return text.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "\u{FFFD}");
}

/**
 * `params` belong to this run; `context` is the `tx` or `view` that belongs to `run`.
 * Throws `EngineFailure`, and what the storage threw. Anything else is a result.
 */
export function runHandler(
  registry: Registry,
  method: RegisteredMethod,
  params: readonly Value[],
  context: object,
  run: Run,
  log: ServiceLog,
): CallResult | RangeRequest {
  const result = settle(registry, method, params, context, run, log);
  run.end();
  // In this order: a run that lacked data says nothing, whatever its handler made of it.
  if (run.failed) throw run.failure;
  if (run.needs !== null) return run.needs;
  if (run.overspent !== null) return faultResult(run.overspent);
  return typeof result === "function" ? result() : result;
}

/** A result; or, where it must only take effect when the run counts, a function that gives it. */
function settle(
  registry: Registry,
  method: RegisteredMethod,
  params: readonly Value[],
  context: object,
  run: Run,
  log: ServiceLog,
): CallResult | (() => CallResult) {
  try {
    const args = registry.checkParams(method, params);
    const { handler } = method.definition;
    const returned = handler(context as never, ...(args as never[]));
    return accepted(method, returned, run, log);
  } catch (error) {
    if (error instanceof Fault) return faultResult(error);
    return () => otherThrow(method, error, log);
  }
}

function otherThrow(method: RegisteredMethod, error: unknown, log: ServiceLog): CallResult {
  if (error instanceof RangeError && engineLimits.includes(error.message)) {
    throw new EngineFailure(`${method.name}: ${error.message}`, { cause: error });
  }
  log.warn({ method: method.name, err: error }, `${method.name} threw something that is not a Fault`);
  return faultResult(new Fault(faultCodes.applicationError, applicationErrorText));
}

function accepted(method: RegisteredMethod, returned: unknown, run: Run, log: ServiceLog): CallResult {
  if (isThenable(returned)) {
    returned.then(undefined, (error: unknown) =>
      log.warn({ method: method.name, err: error }, `the promise that ${method.name} returned was rejected`),
    );
    throw new Fault(
      faultCodes.applicationError,
      `${method.name} returned a promise; handlers are synchronous`,
    );
  }
  const { returns } = method.definition;
  // A result is a copy, for the handler may keep what it returned. What the run just made for it, and nothing else
  // has, need not be copied once more: for a large value that takes longer than to read it.
  const takesAny = returns === null || returns.word === "any";
  if (takesAny && run.hasMade(returned) && isNormal(returned)) return { ok: true, value: returned };
  try {
    const value = returns === null ? normalize(returned, "result") : returns.emit(returned, "result");
    return { ok: true, value };
  } catch (error) {
    // Made by our own checks from the value alone, so it is the same everywhere and may be told.
    if (error instanceof TypeMismatch) {
      throw new Fault(faultCodes.applicationError, `${method.name}: ${error.message}`);
    }
    throw error;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
