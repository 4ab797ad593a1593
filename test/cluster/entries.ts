/** What the `kv` service holds, read page by page. */
import type { Value } from "@quorate/protocol";
import { type AskOptions, value } from "./rpc.js";

/** Every key with that prefix and its value, by default read linearizably at `url`; one page must fit an answer. */
export async function allEntries(
  url: string,
  prefix: string,
  pageSize = 1000,
  options: AskOptions = {},
): Promise<ReadonlyMap<string, Value>> {
  const found = new Map<string, Value>();
  let after: readonly string[] = [];
  for (;;) {
    const page = await value(url, "kv.list", [prefix, pageSize, ...after], options);
    if (!Array.isArray(page) || page.length === 0) return found;
    let last = "";
    for (const item of page as unknown as { key: string; value: Value }[]) {
      found.set(item.key, item.value);
      last = item.key;
    }
    after = [last];
  }
}
