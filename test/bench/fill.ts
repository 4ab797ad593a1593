import { type KvLoad, kvKey, kvValue } from "@quorate/server/load";
import { value } from "../cluster/rpc.js";

const perCall = 500;
const bytesPerCall = 1024 * 1024;

/** Writes every key, so that every read finds its own: any server with `kv.set` and `system.multicall`. */
export async function fillByMulticall(url: string, load: KvLoad): Promise<void> {
  const step = Math.min(perCall, Math.ceil(bytesPerCall / load.valueBytes));
  for (let from = 0; from < load.keys; from += step) {
    const calls = Array.from({ length: Math.min(step, load.keys - from) }, (_, at) => ({
      methodName: "kv.set",
      params: [kvKey(load, from + at), kvValue(load)],
    }));
    await value(url, "system.multicall", [calls]);
  }
}
