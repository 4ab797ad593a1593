import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const stock = resolve(import.meta.dirname, "../../packages/server/examples/stock.ts");

/** Runs in a process of its own, on the built server: the same log on a node with its own clock, zone and language. */
const replay = `
  import {
    createServiceMachine, encodeBatch, encodeCommand, kvRegistry, loadService, readMetadata,
  } from "@quorate/server/testing";
  const [stock, dataDir] = process.argv.slice(1);

  async function digestOf(registry, calls) {
    const machine = createServiceMachine(registry, { warn() {} });
    let pairs = new Map();
    const name = (key) => Buffer.from(key).toString("latin1");
    const at = (from) => ({ index: 0, get: (key) => from.get(name(key))?.[1], snapshot: () => frozen(new Map(from)) });
    const frozen = (from) => ({ ...at(from), close: async () => {}, scan: async ({ gte, lt, reverse, limit }) => {
      const found = [...from.values()].filter(([key]) => Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lt) < 0);
      found.sort((a, b) => (reverse ? -1 : 1) * Buffer.compare(a[0], b[0]));
      return found.slice(0, limit);
    } });
    for (const [index, [method, ...params]] of calls.entries()) {
      const context = { caller: "", nowMs: 1e12 + index, elapsedMs: index, seed: new Uint8Array(16).fill(index) };
      const data = method === "batch" ? encodeBatch(registry, params, context) : encodeCommand(registry, method, params, context);
      const { effects } = await machine.apply({ index: index + 1, term: 1, type: 1, data }, at(pairs));
      for (const { key, value } of effects) value === null ? pairs.delete(name(key)) : pairs.set(name(key), [key, value]);
    }
    return Buffer.from(readMetadata(at(pairs)).digest).toString("hex");
  }

  const values = [1, -0, 0.1 + 0.2, 1e21, 2n ** 60n, "\\u{1F600}\\u00e4", null, [[]], { b: 1, a: [true] }, new Uint8Array([0, 255])];
  const kvCalls = values.flatMap((value, at) => [
    ["kv.set", "k" + at, value], ["kv.create", "k" + at, 1], ["kv.cas", "k" + at, value, [value, value]], ["kv.incr", "n" + (at % 3)],
    ["kv.delete", "k" + (at - 5)], ["kv.incr", "k" + at],
    ["batch", { method: "kv.list", params: [""] }, { method: "kv.count", params: [] }, { method: "kv.set", params: ["x", at] }],
  ]);
  const stockCalls = ["\\u00e4", "z", "a", "I", "i"].flatMap((sku) => [
    ["stock.add", sku, 5], ["stock.reserve", sku, 3], ["stock.reserve", sku, 3],
    ["batch", { method: "stock.list", params: [] }],
  ]);
  const registry = await loadService({ file: stock, dataDir });
  console.log([registry.sha256, await digestOf(kvRegistry(), kvCalls), await digestOf(registry, stockCalls)].join(" "));
`;

const surroundings: readonly NodeJS.ProcessEnv[] = [
  { TZ: "UTC", LANG: "C" },
  { TZ: "Pacific/Kiritimati", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" },
  { TZ: "America/St_Johns", LANG: "sv_SE.UTF-8", NODE_OPTIONS: "--stack-size=700 --no-opt" },
];

it("one log gives one digest in processes with other zones, languages and engine options", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quorate-determinism-"));
  try {
    const runs = surroundings.map(async (environment, at) => {
      const { NODE_OPTIONS, ...env } = environment;
      const options = NODE_OPTIONS?.split(" ") ?? [];
      const args = [
        ...options,
        "--input-type=module",
        "--eval",
        replay,

        stock,
        join(folder, String(at)),
      ];
      const { stdout } = await promisify(execFile)(process.execPath, args, {
        cwd: import.meta.dirname,
        env: { ...process.env, ...env },
        timeout: 50_000,
      });
      return stdout.trim();
    });
    const [first, ...others] = await Promise.all(runs);
    expect(first).toMatch(/^[0-9a-f]{64} [0-9a-f]{64} [0-9a-f]{64}$/);
    expect(others).toEqual([first, first]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
