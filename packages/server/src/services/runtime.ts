/**
 * What a bundle reaches of the server that runs it: the public API, so that its `Fault` and `t` are the server's
 * own, and stand-ins for what handlers must not use, because it differs between nodes or does I/O.
 */
import * as api from "../index.js";

/** Property of `globalThis` where bundles look. Bundles are stored: this name must not change. */
export const runtimeName = "__quorate";

/** Names that a service file can import from `@quorate/server`. */
export const apiNames: readonly string[] = Object.keys(api).sort();

/** Globals (and members of globals) that bundles get from the runtime instead. */
export const guardedNames = [
  "Date",
  "Math.random",
  "crypto",
  "fetch",
  "performance",
  "setImmediate",
  "setInterval",
  "setTimeout",
] as const;

/** Makes the API and the stand-ins visible to bundles. Safe to call again. */
export function publishServiceRuntime(): void {
  Object.defineProperty(globalThis, runtimeName, { value: runtime, configurable: true });
}

function refused(name: string, advice: string) {
  return (): never => {
    throw new Error(`${name} is not available to services, because ${advice}`);
  };
}

const clockAdvice = "nodes' clocks differ; use tx.now";
const chanceAdvice = "nodes would draw different numbers; use tx.random() or tx.uuid()";
const timerAdvice = "handlers are synchronous";

/** As `Date`, but for the present moment. */
class ServiceDate extends Date {
  constructor(...given: ConstructorParameters<typeof Date> | []) {
    if (given.length === 0) refused("new Date()", clockAdvice)();
    super(...(given as ConstructorParameters<typeof Date>));
  }

  static override now(): never {
    return refused("Date.now()", clockAdvice)();
  }
}

const runtime = Object.freeze({
  api: Object.freeze({ ...api }),
  guards: Object.freeze({
    Date: ServiceDate,
    Math_random: refused("Math.random()", chanceAdvice),
    crypto: Object.freeze({
      getRandomValues: refused("crypto.getRandomValues()", chanceAdvice),
      randomUUID: refused("crypto.randomUUID()", chanceAdvice),
    }),
    fetch: refused("fetch()", "handlers do no I/O"),
    performance: Object.freeze({ now: refused("performance.now()", clockAdvice) }),
    setImmediate: refused("setImmediate()", timerAdvice),
    setInterval: refused("setInterval()", timerAdvice),
    setTimeout: refused("setTimeout()", timerAdvice),
  }),
});
