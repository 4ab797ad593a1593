/**
 * `system.multicall`: many calls in one document, a slot of the answer for each. A slot is an array of the
 * call's one result, or a struct of its fault; no call undoes another.
 *
 *     items ─▶ a slot each: answered here (wrong, unknown, local) ─────────────┐
 *                      └▶ calls of the service ─▶ one `Batch` ─▶ their results ┴▶ slots in their order
 *
 * Convention: Eric Kidd, "XML-RPC boxcarring", xmlrpc.com, 2001 (msgReader$1208).
 */
import { encodeResponse, Fault, faultCodes, isArray, isStruct, type Value } from "@quorate/protocol";
import { batchOf } from "./batch.js";
import { faultStruct } from "./faults.js";
import type { Batch, MethodCall } from "./ports.js";
import { wrongParams } from "./system-methods.js";

export const multicallName = "system.multicall";

/** Calls in one document: a small one could otherwise keep a node busy for long. */
export const itemsMax = 1_000;

/** Bytes that answers of the server's own methods take together, encoded: they are made from nearly nothing. */
const localBytesMax = 4 * 1024 * 1024;

/** What becomes of one call: its fault, what the server itself answers, or a call to execute with the others. */
export type Resolution = Fault | readonly [answer: Value] | MethodCall;

export class Multicall {
  /** What is left to execute; null when every slot was filled here. */
  readonly batch: Batch | null;
  /** Null where the result of the batch's next call belongs; no slot itself is null. */
  readonly #slots: readonly Value[];
  #localBytes = 0;

  /**
   * `resolve` throws nothing.
   * @throws Fault -32602 for parameters other than one array, -32005 for one with more than 1,000 items
   */
  constructor(params: readonly Value[], resolve: (method: string, params: readonly Value[]) => Resolution) {
    const calls: MethodCall[] = [];
    this.#slots = itemsOf(params).map((item, place) => {
      const read = readItem(item, `item ${place + 1}`);
      const resolved = read instanceof Fault ? read : resolve(read.method, read.params);
      if (resolved instanceof Fault) return faultStruct(resolved);
      if ("kind" in resolved) {
        calls.push(resolved);
        return null;
      }
      return this.#localSlot(resolved);
    });
    this.batch = calls.length === 0 ? null : batchOf(calls);
  }

  /** Calls that it held, of whatever kind. */
  get size(): number {
    return this.#slots.length;
  }

  /** The answer's slots, in order. `results` are the batch's: an array with a slot for each of its calls. */
  filledWith(results: Value): Value[] {
    if (!isArray(results) || results.length !== (this.batch?.calls.length ?? 0)) {
      throw new Error("a batch was answered with something else than a result for each of its calls");
    }
    let next = 0;
    return this.#slots.map((slot) => slot ?? results[next++] ?? null);
  }

  #localSlot([answer]: readonly [Value]): Value {
    this.#localBytes += encodeResponse(answer).length;
    if (this.#localBytes <= localBytesMax) return [answer];
    return faultStruct(
      new Fault(
        faultCodes.tooLarge,
        `the server's own answers in one ${multicallName} take at most ${localBytesMax} bytes; ask for less at once`,
      ),
    );
  }
}

function itemsOf(params: readonly Value[]): readonly Value[] {
  const [items] = params;
  if (params.length !== 1 || items === undefined || !isArray(items)) {
    throw wrongParams(
      `${multicallName} expects one parameter, an array of structs with methodName and params`,
    );
  }
  if (items.length > itemsMax) {
    throw new Fault(
      faultCodes.tooLarge,
      `too large, nothing was executed: ${items.length} calls in one ${multicallName}, at most ${itemsMax} are taken`,
    );
  }
  return items;
}

/** `params` may be missing, as in a document of one call; other members say nothing to us. */
function readItem(
  item: Value,
  name: string,
): Fault | { readonly method: string; readonly params: readonly Value[] } {
  if (!isStruct(item)) return wrongParams(`${name}: expected a struct with methodName and params`);
  const { methodName, params = [] } = item;
  if (typeof methodName !== "string") return wrongParams(`${name}: expected methodName, a string`);
  if (!isArray(params)) return wrongParams(`${name}: expected params, an array`);
  return { method: methodName, params };
}
