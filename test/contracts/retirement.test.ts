/** A damaged disk ends its life and begins another one; a crash at any step leaves what the next start goes on from. */
import fs, { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import type { Identity } from "@quorate/raft";
import { ForgottenEntriesError } from "@quorate/raft/core";
import {
  DamagedStorage,
  type DataDirectory,
  type DataDirectoryOptions,
  openDataDirectory,
  openIdentity,
} from "@quorate/raft/level";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { batch, entries, hardState, temporaryDirectory } from "./storage-harness.js";

const minute = 60_000;

let parent: string;
let directory: string;
let dispose: () => Promise<void>;
let clock: number;
let lives: number;

beforeEach(async () => {
  ({ directory: parent, dispose } = await temporaryDirectory());
  directory = join(parent, "data");
  clock = 1_000 * minute;
  lives = 0;
});
afterEach(() => dispose());

function open(more: Partial<DataDirectoryOptions> = {}): Promise<DataDirectory> {
  const newIncarnation = () => `life ${++lives}`;
  const now = () => clock;
  return openDataDirectory({
    directory,
    nodeId: "n1",
    clusterName: "prod",
    rebuild: true,
    newIncarnation,
    now,
    ...more,
  });
}

/** Opened, looked at and closed again. */
async function opened(more: Partial<DataDirectoryOptions> = {}): Promise<{
  identity: Identity | null;
  last: number;
  retirement: DataDirectory["retirement"];
}> {
  const { identity, storage, retirement } = await open(more);
  const found = { identity: identity.read(), last: storage.restored.last.index, retirement };
  await storage.close();
  return found;
}

async function bear(): Promise<void> {
  const { identity, storage } = await open();
  const fresh = identity.read();
  if (fresh === null) throw new Error("a fresh folder has an identity");
  await storage.write(batch({ hardState: hardState(1), entries: entries(1, 1, 1, 1) }));
  await identity.write({ ...fresh, clusterId: "c1", born: true });
  await storage.close();
}

function damageLog(): void {
  const database = join(directory, "db");
  const name = readdirSync(database).find((file) => file.endsWith(".log"));
  const path = join(database, name ?? "");
  const bytes = readFileSync(path);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

const newcomer = (retired: string, incarnation: string): Partial<Identity> => ({
  incarnation,
  clusterId: null,
  born: false,
  retired: { incarnation: retired, at: clock },
});

describe("a damaged disk of a born node", () => {
  test("goes on as a newcomer that names the life it retired; what was damaged is kept", async () => {
    await bear();
    damageLog();
    const { identity, last, retirement } = await opened();
    expect(identity).toMatchObject(newcomer("life 1", "life 2"));
    expect(last).toBe(0);
    expect(retirement).toEqual({
      incarnation: "life 1",
      reason: expect.stringMatching(/\.log, offset \d+: expected a sound record, found /),
      kept: join(directory, "damaged"),
    });
    expect(readdirSync(directory).sort()).toEqual(["damaged", "db", "db.anchor", "identity.json"]);
    expect(readdirSync(join(directory, "damaged")).sort()).toEqual(["DAMAGED", "db", "db.anchor"]);
    // And stays that: nothing is retired twice.
    expect(await opened()).toMatchObject({ identity: newcomer("life 1", "life 2"), retirement: null });
  });

  test.each<[string, () => void]>([
    ["the database is gone", () => rmSync(join(directory, "db"), { recursive: true })],
    ["CURRENT is gone", () => rmSync(join(directory, "db", "CURRENT"))],
    [
      "the lock file is gone, and the log is damaged",
      () => {
        rmSync(join(directory, "db", "LOCK"));
        damageLog();
      },
    ],
    ["the anchor is gone", () => rmSync(join(directory, "db.anchor"))],
    [
      "it was marked before, whatever is there now",
      () => writeFileSync(join(directory, "DAMAGED"), "a flaky cable\n"),
    ],
  ])("also when %s", async (_, damage) => {
    await bear();
    damage();
    expect(await opened()).toMatchObject({ identity: newcomer("life 1", "life 2"), last: 0 });
    expect(existsSync(join(directory, "DAMAGED"))).toBe(false);
  });

  test("is refused, named and marked where nobody else has what it held", async () => {
    await bear();
    damageLog();
    for (let times = 0; times < 2; times++)
      await expect(open({ rebuild: false })).rejects.toThrow(/expected a sound record/);
    expect(openIdentity(directory).read()).toMatchObject({ incarnation: "life 1", born: true });
  });

  test("is not rebuilt twice within an hour; after that it is", async () => {
    await bear();
    damageLog();
    const { identity, storage } = await open();
    const next = identity.read();
    if (next === null) throw new Error("it has an identity");
    await storage.write(batch({ hardState: hardState(1), entries: [] }));
    await identity.write({ ...next, clusterId: "c1", born: true });
    await storage.close();
    clock += 20 * minute;
    damageLog();
    for (let times = 0; times < 2; times++) {
      await expect(open()).rejects.toThrow(DamagedStorage);
      await expect(open()).rejects.toThrow(/20 minutes after it was rebuilt.*twice within an hour/);
    }
    expect(openIdentity(directory).read()).toMatchObject({ incarnation: "life 2", born: true });
    clock += 41 * minute;
    expect(await opened()).toMatchObject({ identity: newcomer("life 2", "life 3") });
    expect(readFileSync(join(directory, "damaged", "DAMAGED"), "utf8")).toContain("expected a sound record");
  });

  test("damage that the running node meets is gone on from at the next start", async () => {
    await bear();
    const running = await open();
    expect(running.failed(new Error("another failure"))).toBe(false);
    expect(
      running.failed(new Error("a read", { cause: new DamagedStorage("entry 3", "a record", "none") })),
    ).toBe(true);
    await running.storage.close();
    expect(await opened()).toMatchObject({
      identity: newcomer("life 1", "life 2"),
      retirement: { reason: "entry 3: expected a record, found none" },
    });
  });

  test("what its leader remembers and it does not is damage", async () => {
    await bear();
    const running = await open();
    expect(running.failed(new ForgottenEntriesError(9, 3, "n2", 1))).toBe(true);
    await running.storage.close();
    expect(await opened()).toMatchObject({
      retirement: {
        reason:
          "the log: expected entries up to 9, which this disk acknowledged to the leader, found entries up to 3",
      },
    });
  });
});

describe("other disks", () => {
  test("one that has promised nothing yet is made anew under the same name", async () => {
    const { storage } = await open();
    await storage.write(batch({}));
    await storage.close();
    damageLog();
    expect(await opened()).toMatchObject({
      identity: { incarnation: "life 1", retired: null },
      retirement: { incarnation: null },
    });
  });

  test("a newcomer that waits for its place keeps naming the life it retired when it is damaged again", async () => {
    await bear();
    damageLog();
    const waiting = await open();
    await waiting.storage.write(batch({}));
    await waiting.storage.close();
    damageLog();
    expect(await opened()).toMatchObject({ identity: newcomer("life 1", "life 2"), last: 0 });
  });

  test("without a sound identity file nothing is retired, and nothing is changed", async () => {
    await bear();
    damageLog();
    const path = join(directory, "identity.json");
    writeFileSync(path, readFileSync(path, "utf8").replace('"n1"', '"n7"'));
    await expect(open()).rejects.toThrow(DamagedStorage);
    await expect(open()).rejects.toThrow(/identity\.json: .*empty data directory.*quorate replace/);
    rmSync(path);
    await expect(open()).rejects.toThrow(DamagedStorage);
    expect(readdirSync(directory).sort()).toEqual(["db", "db.anchor"]);
  });
});

/** Calls of the file system that change something. From the one numbered `at` on all of them fail: the process is gone. */
const changing = ["renameSync", "fsyncSync", "rmSync", "mkdirSync", "writeFileSync"] as const;

function crashAt(at: number): { calls(): number; restore(): void } {
  let calls = 0;
  const real = changing.map((name) => fs[name]);
  for (const name of changing) {
    const original = fs[name] as (...args: unknown[]) => unknown;
    Object.assign(fs, {
      [name]: (...args: unknown[]) => {
        // The scratch folder of the lock is no part of the data.
        if (typeof args[0] === "string" && !args[0].startsWith(directory)) return original(...args);
        calls += 1;
        if (calls >= at) throw new Error("crash");
        return original(...args);
      },
    });
  }
  syncBuiltinESMExports();
  return {
    calls: () => calls,
    restore: () => {
      for (const [i, name] of changing.entries()) Object.assign(fs, { [name]: real[i] });
      syncBuiltinESMExports();
    },
  };
}

/** Everything that changes while the disk is retired and opened anew, one crash before each. */
test("a crash at any step leaves the old life or the new one, never both, and the next start goes on", async () => {
  await bear();
  damageLog();
  const template = join(parent, "template");
  cpSync(directory, template, { recursive: true });
  let crashes = 0;
  let retiredBefore = false;
  for (let at = 1; ; at++) {
    rmSync(directory, { recursive: true });
    cpSync(template, directory, { recursive: true });
    lives = 1;
    const crash = crashAt(at);
    const survived = await open().then(
      async ({ storage }) => {
        crash.restore();
        await storage.close();
        return true;
      },
      () => false,
    );
    crash.restore();
    if (survived) break;
    crashes++;
    const between = openIdentity(directory).read();
    // Once the old life is over, no later crash brings it back.
    if (between?.born === true) {
      expect(between.incarnation).toBe("life 1");
      expect(retiredBefore, `crash ${at}`).toBe(false);
      await expect(open({ rebuild: false }), `crash ${at}`).rejects.toThrow(DamagedStorage);
    } else {
      retiredBefore = true;
      expect(between, `crash ${at}`).toMatchObject(newcomer("life 1", "life 2"));
    }
    const { identity, last } = await opened();
    expect(identity, `crash ${at}`).toMatchObject({ born: false, retired: { incarnation: "life 1" } });
    expect(last, `crash ${at}`).toBe(0);
    expect(existsSync(join(directory, "DAMAGED")), `crash ${at}`).toBe(false);
    expect(readdirSync(join(directory, "damaged")).sort(), `crash ${at}`).toEqual([
      "DAMAGED",
      "db",
      "db.anchor",
    ]);
  }
  expect(retiredBefore).toBe(true);
  expect(crashes).toBeGreaterThan(10);
});
