/** Which folders a node starts on, and which it refuses. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  DamagedStorage,
  type DataDirectory,
  ForeignDataDirectory,
  openDataDirectory,
  StorageFailed,
  StorageInUse,
} from "@quorate/raft/level";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { batch, entries, hardState, temporaryDirectory } from "./storage-harness.js";

describe("data directory", () => {
  let parent: string;
  let directory: string;
  let dispose: () => Promise<void>;

  beforeEach(async () => {
    ({ directory: parent, dispose } = await temporaryDirectory());
    directory = join(parent, "data");
  });
  afterEach(() => dispose());

  const open = (nodeId = "n1", clusterName = "prod"): Promise<DataDirectory> =>
    openDataDirectory({ directory, nodeId, clusterName });

  async function givenBornNode(): Promise<void> {
    const { identity, storage } = await open();
    const fresh = identity.read();
    if (fresh === null) throw new Error("a fresh folder has an identity");
    await storage.write(batch({ hardState: hardState(1), entries: entries(1, 1) }));
    await identity.write({ ...fresh, clusterId: "c1", born: true });
    await storage.close();
  }

  test("an empty one becomes this node's: unborn, with a random incarnation, readable by nobody else", async () => {
    const { identity, storage } = await open();
    expect(identity.read()).toMatchObject({
      nodeId: "n1",
      clusterName: "prod",
      clusterId: null,
      born: false,
    });
    expect(identity.read()?.incarnation).toMatch(/^[0-9a-f]{32}$/);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(readdirSync(directory).sort()).toEqual(["db", "db.anchor", "identity.json"]);
    await storage.close();
  });

  test("reopened it keeps its incarnation and its data", async () => {
    await givenBornNode();
    const { identity, storage } = await open();
    expect(identity.read()).toMatchObject({ clusterId: "c1", born: true });
    expect(storage.restored.last.index).toBe(1);
    await storage.close();
  });

  test("another node's is refused, naming both", async () => {
    await givenBornNode();
    await expect(open("n2")).rejects.toThrow(ForeignDataDirectory);
    await expect(open("n2")).rejects.toThrow(
      /belongs to node n1 of cluster prod, but this is node n2 of cluster prod/,
    );
  });

  test("another node's is refused as such also while that node uses it", async () => {
    const { storage } = await open();
    await expect(open("n2")).rejects.toThrow(ForeignDataDirectory);
    await storage.close();
  });

  test("another cluster's is refused, naming both", async () => {
    await givenBornNode();
    await expect(open("n1", "test")).rejects.toThrow(/of cluster prod, but this is node n1 of cluster test/);
  });

  test("a born node without its database is refused, again and again, and nothing is created", async () => {
    await givenBornNode();
    rmSync(join(directory, "db"), { recursive: true });
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(open()).rejects.toThrow(DamagedStorage);
      await expect(open()).rejects.toThrow(
        /expected the database that this node has written, found no database/,
      );
    }
    expect(existsSync(join(directory, "db"))).toBe(false);
  });

  test("once damaged, always damaged: what was found stays, also when the files are whole again", async () => {
    await givenBornNode();
    renameSync(join(directory, "db"), join(parent, "away"));
    await expect(open()).rejects.toThrow(DamagedStorage);
    renameSync(join(parent, "away"), join(directory, "db"));
    await expect(open()).rejects.toThrow(DamagedStorage);
    await expect(open()).rejects.toThrow(
      /DAMAGED: expected a folder .* found .*db: expected .* found no database/,
    );
  });

  test("damage that a running node meets marks the folder; other failures do not", async () => {
    await givenBornNode();
    const running = await open();
    running.failed(new Error("anything", { cause: new Error("else") }));
    await running.storage.close();
    const again = await open();
    again.failed(new Error("a write failed", { cause: new DamagedStorage("entry 3", "a record", "none") }));
    await again.storage.close();
    await expect(open()).rejects.toThrow(/found entry 3: expected a record, found none/);
  });

  test("a born node with an emptied database folder is refused", async () => {
    await givenBornNode();
    rmSync(join(directory, "db"), { recursive: true });
    mkdirSync(join(directory, "db"));
    await expect(open()).rejects.toThrow(DamagedStorage);
  });

  test("a born node whose database was replaced by a new one is refused", async () => {
    await givenBornNode();
    const donor = join(parent, "donor");
    const { storage } = await openDataDirectory({ directory: donor, nodeId: "n1", clusterName: "prod" });
    await storage.close();
    rmSync(join(directory, "db"), { recursive: true });
    cpSync(join(donor, "db"), join(directory, "db"), { recursive: true });
    await expect(open()).rejects.toThrow(DamagedStorage);
    await expect(open()).rejects.toThrow(/expected all batches up to number 1, .* found none after number 0/);
  });

  test("a born node without its anchor is refused", async () => {
    await givenBornNode();
    rmSync(join(directory, "db.anchor"));
    await expect(open()).rejects.toThrow(
      /db\.anchor: expected the note of the last durable batch, found no file/,
    );
  });

  test("a database without an identity is refused", async () => {
    await givenBornNode();
    rmSync(join(directory, "identity.json"));
    await expect(open()).rejects.toThrow(ForeignDataDirectory);
    await expect(open()).rejects.toThrow(/holds a database \(term 1, last entry 1\) but no identity file/);
    expect(existsSync(join(directory, "identity.json"))).toBe(false);
  });

  test("a first start that was cut short before the identity was written goes on", async () => {
    const { storage } = await open();
    await storage.close();
    rmSync(join(directory, "identity.json"));
    const again = await open();
    expect(again.identity.read()).toMatchObject({ nodeId: "n1", born: false });
    await again.storage.close();
  });

  test("an unborn node may lose its database: it has promised nothing", async () => {
    const { storage } = await open();
    await storage.write(batch({}));
    await storage.close();
    rmSync(join(directory, "db"), { recursive: true });
    const again = await open();
    expect(again.storage.restored.last.index).toBe(0);
    await again.storage.close();
  });

  test("is used by one at a time, whatever the loser calls itself, and the loser changes nothing", async () => {
    const first = await open();
    const identity = first.identity.read();
    await expect(open()).rejects.toThrow(StorageInUse);
    await expect(open()).rejects.toThrow(`another process uses ${join(directory, "db")}`);
    expect(first.identity.read()).toEqual(identity);
    await first.storage.close();
    await (await open()).storage.close();
  });

  test("that cannot be created is a named failure", async () => {
    writeFileSync(directory, "a file where the folder should be");
    await expect(open()).rejects.toThrow(StorageFailed);
    await expect(open()).rejects.toThrow(`create the data folder ${directory}`);
  });
});
