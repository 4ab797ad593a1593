import { describe, expect, it } from "vitest";
import { createRandom, randomInteger } from "../core/index.js";
import { MemoryDisk } from "../memory.js";
import type { Effect, KeyRange, KeyValue, Storage, WriteBatch } from "../ports/index.js";
import { Overlay } from "./overlay.js";

const bytes = (...values: number[]) => Uint8Array.from(values);
const hex = (value: Uint8Array | undefined) =>
  value === undefined ? null : Buffer.from(value).toString("hex");
const pairs = (found: readonly KeyValue[]) => found.map(([key, value]) => `${hex(key)}=${hex(value)}`);

/** The obvious overlay: a sorted map that every effect goes into at once. */
class Model {
  readonly #pairs: Map<string, string>;
  constructor(from?: Model) {
    this.#pairs = new Map(from === undefined ? [] : from.#pairs);
  }
  apply(effects: readonly Effect[]): void {
    for (const { key, value } of effects) {
      if (value === null) this.#pairs.delete(hex(key) ?? "");
      else this.#pairs.set(hex(key) ?? "", hex(value) ?? "");
    }
  }
  get(key: Uint8Array): string | null {
    return this.#pairs.get(hex(key) ?? "") ?? null;
  }
  scan({ gte, gt, lt, lte, reverse, limit }: KeyRange): string[] {
    const found = [...this.#pairs]
      .filter(
        ([key]) =>
          (gte === undefined || key >= (hex(gte) ?? "")) &&
          (gt === undefined || key > (hex(gt) ?? "")) &&
          (lt === undefined || key < (hex(lt) ?? "")) &&
          (lte === undefined || key <= (hex(lte) ?? "")),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}=${value}`);
    if (reverse === true) found.reverse();
    return found.slice(0, limit);
  }
}

async function writeTo(storage: Storage, batch: Partial<WriteBatch>): Promise<void> {
  const nothing = { hardState: null, entries: [], compactTo: 0, effects: [], applied: null };
  await storage.write({ ...nothing, chunk: null, install: null, ...batch });
}

const entry = (index: number) => ({ index, term: 1, type: 1 as const, data: bytes() });

/** A storage whose log is long enough for every applied index that these tests write. */
async function openStorage(): Promise<Storage> {
  const storage = new MemoryDisk().open();
  await writeTo(storage, {
    hardState: { term: 1, vote: null, commit: 0 },
    entries: Array.from({ length: 400 }, (_, at) => entry(at + 1)),
  });
  return storage;
}

describe("overlay", () => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))("equals the obvious map, seed %i", async (seed) => {
    const random = createRandom(seed);
    const between = (min: number, max: number) => randomInteger(random, min, max);
    const storage = await openStorage();
    const overlay = new Overlay(storage, 0, 1 << 20);
    const model = new Model();
    const snapshots: { frozen: Model; index: number; snapshot: ReturnType<Overlay["snapshot"]> }[] = [];
    // Bytes above 127 and shared prefixes: where a wrong order of keys would show.
    const key = () =>
      Uint8Array.from({ length: between(0, 2) }, () => [0, 1, 127, 128, 255][between(0, 4)] ?? 0);
    const range = (): KeyRange => ({
      ...[{}, {}, { gte: key() }, { gt: key() }][between(0, 3)],
      ...[{}, {}, { lt: key() }, { lte: key() }][between(0, 3)],
      ...(random() < 0.4 && { reverse: true }),
      ...(random() < 0.5 && { limit: between(0, 5) }),
    });
    let writing: { effects: Effect[]; applied: number } | null = null;
    for (let step = 0, index = 0; step < 300; step++) {
      const chance = random();
      if (chance < 0.35) {
        const effects = Array.from({ length: between(0, 3) }, () => ({
          key: key(),
          value: random() < 0.3 ? null : bytes(between(0, 255)),
        }));
        overlay.push(++index, 1, effects);
        model.apply(effects);
      } else if (chance < 0.5 && writing === null && overlay.waiting.length > 0) {
        const count = between(1, overlay.waiting.length);
        const applied = overlay.waiting[count - 1]?.index ?? 0;
        writing = { effects: overlay.beginWrite(count), applied };
      } else if (chance < 0.65 && writing !== null) {
        await writeTo(storage, writing);
        overlay.endWrite();
        writing = null;
      } else if (chance < 0.7) {
        snapshots.push({ frozen: new Model(model), index, snapshot: overlay.snapshot() });
      } else {
        const wanted = key();
        expect(hex(overlay.get(wanted))).toBe(model.get(wanted));
        for (const { frozen, index: at, snapshot } of snapshots) {
          const within = range();
          const found = await snapshot.scan(within);
          expect(pairs(found)).toEqual(frozen.scan(within));
          expect(hex(snapshot.get(wanted))).toBe(frozen.get(wanted));
          expect(snapshot.index).toBe(at);
        }
      }
      expect(overlay.index).toBe(index);
      if (snapshots.length > 3) await snapshots.shift()?.snapshot.close();
    }
  });

  it("keeps a newer value of a key whose older one is being written", async () => {
    const storage = await openStorage();
    const overlay = new Overlay(storage, 0, 1 << 20);
    overlay.push(1, 1, [{ key: bytes(1), value: bytes(1) }]);
    overlay.push(2, 1, [{ key: bytes(1), value: null }]);
    const effects = overlay.beginWrite(1);
    expect(overlay.get(bytes(1))).toBeUndefined();
    await writeTo(storage, { effects, applied: 1 });
    overlay.endWrite();
    expect(overlay.get(bytes(1))).toBeUndefined();
  });

  it("writes one effect per key, the latest", async () => {
    const overlay = new Overlay(await openStorage(), 0, 1 << 20);
    overlay.push(1, 1, [{ key: bytes(1), value: bytes(1) }]);
    overlay.push(2, 1, [{ key: bytes(1), value: bytes(2) }]);
    expect(overlay.beginWrite(2)).toEqual([{ key: bytes(1), value: bytes(2) }]);
  });

  it("is full at its limit, in-flight effects included, and empties when they are durable", async () => {
    const overlay = new Overlay(await openStorage(), 0, 1000);
    overlay.push(1, 1, [{ key: bytes(1), value: new Uint8Array(600) }]);
    expect(overlay.full).toBe(false);
    overlay.beginWrite(1);
    overlay.push(2, 1, [{ key: bytes(2), value: new Uint8Array(300) }]);
    expect(overlay.full).toBe(true);
    overlay.endWrite();
    expect(overlay.full).toBe(false);
    expect(overlay.bytes).toBe(overlay.waitingBytes);
  });

  it("counts entries without effects, so that they cannot pile up for ever", async () => {
    const overlay = new Overlay(await openStorage(), 0, 1000);
    for (let index = 1; index <= 100; index++) overlay.push(index, 1, []);
    expect(overlay.full).toBe(true);
  });
});
