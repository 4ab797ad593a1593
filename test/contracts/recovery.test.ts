/** A survivor of a lost majority, on a real disk: what is surveyed, what is written, and every crash in between. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { birthRecord, type Member, type Membership } from "@quorate/raft/core";
import {
  DamagedStorage,
  ForeignDataDirectory,
  openDataDirectory,
  openIdentity,
  RecoveryRefused,
  recoverDataDirectory,
  StorageInUse,
  surveyForRecovery,
} from "@quorate/raft/level";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { contentsOf } from "../support/folder-contents.js";
import { batch, bytes, entries, hardState, temporaryDirectory, text } from "./storage-harness.js";

const crasher = fileURLToPath(new URL("recovery-crasher.mjs", import.meta.url));
const built = fileURLToPath(new URL("../../packages/raft/dist/storage/level.js", import.meta.url));
const first = { clusterId: "c1", incarnation: "first life" };
const second = { clusterId: "c2", incarnation: "second life" };

let parent: string;
let directory: string;
let dispose: () => Promise<void>;

beforeEach(async () => {
  ({ directory: parent, dispose } = await temporaryDirectory());
  directory = join(parent, "n1");
  mkdirSync(directory, { mode: 0o700 });
});
afterEach(() => dispose());

const member = (id: string, incarnation = `of ${id}`): Member => ({
  id,
  incarnation,
  peer: `${id}:9000`,
  http: `http://${id}:8000`,
});

function membershipOf(...ids: readonly string[]): Membership {
  const members = ids.map((id) => member(id, id === "n1" ? first.incarnation : undefined));
  return { clusterId: first.clusterId, members, voters: ids, votersOutgoing: [], learners: [] };
}

const open = () =>
  openDataDirectory({
    directory,
    nodeId: "n1",
    clusterName: "prod",
    newIncarnation: () => first.incarnation,
  });

/** Born with `membership`; entries 2 to 5, of which 3 are executed and 4 known to be committed. */
async function givenMember(membership = membershipOf("n1", "n2", "n3")): Promise<void> {
  const { identity, storage } = await open();
  await storage.write(batch({ hardState: hardState(1), entries: [birthRecord(membership).entry] }));
  await storage.write(
    batch({
      hardState: { term: 4, vote: "n2", commit: 4 },
      entries: entries(2, 1, 2, 3, 3),
      effects: [{ key: bytes("a"), value: bytes("1") }],
      applied: 3,
    }),
  );
  const fresh = identity.read();
  if (fresh === null) throw new Error("a fresh folder has an identity");
  await identity.write({ ...fresh, clusterId: first.clusterId, born: true });
  await storage.close();
}

const contents = () => contentsOf(directory);

const identityNow = () => {
  const identity = openIdentity(directory).read();
  return { clusterId: identity?.clusterId, incarnation: identity?.incarnation, born: identity?.born };
};

/** Everything that was stored is there, and behind it the record, once. */
async function expectRecovered(): Promise<void> {
  expect(identityNow()).toEqual({ ...second, born: true });
  const { identity, storage } = await open();
  const { restored } = storage;
  expect(identity.read()).toMatchObject(second);
  expect(restored.hardState).toEqual({ term: 5, vote: null, commit: 6 });
  expect([restored.last, restored.applied]).toEqual([{ index: 6, term: 5 }, 3]);
  expect(restored.membership).toEqual({
    index: 6,
    membership: {
      clusterId: "c2",
      members: [member("n1", second.incarnation)],
      voters: ["n1"],
      votersOutgoing: [],
      learners: [],
      recoveredFrom: first,
    },
  });
  const kept = await storage.readEntries(2, 5, 1 << 20);
  expect(kept.map((entry) => ({ ...entry, data: new Uint8Array(entry.data) }))).toEqual(
    entries(2, 1, 2, 3, 3),
  );
  expect(text(storage.get(bytes("a")))).toBe("1");
  await storage.close();
}

describe("a survey", () => {
  test("tells what is held and known, and changes no byte", async () => {
    await givenMember();
    const before = contents();
    expect(await surveyForRecovery(directory)).toEqual({
      directory,
      clusterName: "prod",
      life: first,
      survivor: member("n1", first.incarnation),
      term: 4,
      last: { index: 5, term: 3 },
      committed: 4,
      applied: 3,
      membership: { index: 1, membership: membershipOf("n1", "n2", "n3") },
      begun: null,
    });
    expect(contents()).toEqual(before);
  });

  test("what was executed was committed, whatever the stored commit index says", async () => {
    await givenMember();
    const { storage } = await open();
    await storage.write(batch({ applied: 5, effects: [] }));
    await storage.close();
    expect(await surveyForRecovery(directory)).toMatchObject({ committed: 5, applied: 5 });
  });
});

describe("a recovery", () => {
  test("writes the record, then the identity file, and keeps everything that was there", async () => {
    await givenMember();
    const steps: string[] = [];
    const next = await recoverDataDirectory({
      directory,
      next: second,
      onStep: (step) => steps.push(`${step}: ${identityNow().clusterId}`),
    });
    expect(next).toEqual(second);
    expect(steps).toEqual(["record: c1", "identity: c1", "done: c2"]);
    await expectRecovered();
  });

  test("takes a cluster id and an incarnation that nobody had", async () => {
    await givenMember();
    const next = await recoverDataDirectory({ directory });
    expect(next.clusterId).toMatch(/^[0-9a-f]{32}$/);
    expect(next.incarnation).toMatch(/^[0-9a-f]{32}$/);
    expect(next.clusterId).not.toBe(next.incarnation);
    expect(identityNow()).toEqual({ ...next, born: true });
  });

  test("done twice, the second one is refused: the node is the only voter", async () => {
    await givenMember();
    await recoverDataDirectory({ directory, next: second });
    const before = contents();
    await expect(recoverDataDirectory({ directory })).rejects.toThrow(
      /n1 is the only voter of its cluster c2 already: there is nothing to recover. Start it/,
    );
    expect(Object.keys(contents()).sort()).toEqual(expect.arrayContaining(["identity.json", "db.anchor"]));
    expect(contents()["identity.json"]).toBe(before["identity.json"]);
    await expectRecovered();
  });

  test("makes a voter of a learner", async () => {
    const three = membershipOf("n1", "n2", "n3");
    await givenMember({ ...three, voters: ["n2"], learners: ["n1", "n3"] });
    await recoverDataDirectory({ directory, next: second });
    await expectRecovered();
  });

  test("makes a voter of a disk that was just replacing another one", async () => {
    const three = membershipOf("n1", "n2", "n3");
    const members = three.members.map((one) => (one.id === "n1" ? member("n1", "gone") : one));
    const joining = [member("n1", first.incarnation)];
    await givenMember({ ...three, members, voters: ["n2", "n3"], votersOutgoing: three.voters, joining });
    await recoverDataDirectory({ directory, next: second });
    await expectRecovered();
  });
});

describe("a crash", () => {
  function recoverAndDieBefore(step: string): void {
    expect(existsSync(built), "the raft package is built (npm run build)").toBe(true);
    const { signal, stderr } = spawnSync(process.execPath, [crasher, directory, step], { encoding: "utf8" });
    expect(signal, stderr).toBe("SIGKILL");
  }

  test("before the record is written leaves the node as it was", async () => {
    await givenMember();
    const before = await surveyForRecovery(directory);
    recoverAndDieBefore("record");
    expect(await surveyForRecovery(directory)).toEqual(before);
    await recoverDataDirectory({ directory, next: second });
    await expectRecovered();
  });

  test("before the identity file is replaced is finished by the next run, under the names that were begun", async () => {
    await givenMember();
    recoverAndDieBefore("identity");
    expect(identityNow()).toEqual({ ...first, born: true });
    const before = contents();
    expect(await surveyForRecovery(directory)).toMatchObject({ life: first, begun: second });
    expect(contents()).toEqual(before);
    // The temporary file of a replacement that was cut short is of no account.
    writeFileSync(join(directory, "identity.json.new"), "{ half of");
    expect(
      await recoverDataDirectory({ directory, next: { clusterId: "c3", incarnation: "third" } }),
    ).toEqual(second);
    await expectRecovered();
  });

  test("after that has lost nothing", async () => {
    await givenMember();
    recoverAndDieBefore("done");
    await expectRecovered();
  });

  test("in the middle of the record, as a power loss leaves it, is before or after it: never between", async () => {
    await givenMember();
    const anchor = readFileSync(join(directory, "db.anchor"));
    const old = await surveyForRecovery(directory);
    recoverAndDieBefore("identity");
    // The anchor is not synced while the node runs: what a power loss leaves of it may be old.
    writeFileSync(join(directory, "db.anchor"), anchor);
    const logs = readdirSync(join(directory, "db")).filter((name) => name.endsWith(".log"));
    const [log] = logs.sort().reverse();
    if (log === undefined) throw new Error("LevelDB has a write-ahead log");
    const whole = join(parent, "whole");
    cpSync(directory, whole, { recursive: true });
    const length = statSync(join(whole, "db", log)).size;
    expect(length).toBeGreaterThan(300);
    const outcomes = new Set<string>();
    for (let cut = 0; cut <= length; cut += 29) {
      rmSync(directory, { recursive: true });
      cpSync(whole, directory, { recursive: true });
      truncateSync(join(directory, "db", log), length - cut);
      const survey = await surveyForRecovery(directory);
      if (survey.begun === null) expect(survey).toEqual(old);
      else expect(survey).toMatchObject({ begun: second, last: { index: 6, term: 5 } });
      outcomes.add(survey.begun === null ? "old" : "new");
    }
    expect(outcomes).toEqual(new Set(["old", "new"]));
  });
});

describe("refused by name, with nothing changed:", () => {
  async function expectRefused(kind: new (...args: never[]) => Error, message: RegExp): Promise<void> {
    const before = existsSync(directory) ? contents() : null;
    await expect(surveyForRecovery(directory)).rejects.toThrow(kind);
    await expect(surveyForRecovery(directory)).rejects.toThrow(message);
    if (before !== null) expect(contents()).toEqual(before);
    await expect(recoverDataDirectory({ directory })).rejects.toThrow(kind);
    await expect(recoverDataDirectory({ directory })).rejects.toThrow(message);
    expect(existsSync(directory) ? contents()["identity.json"] : undefined).toBe(before?.["identity.json"]);
  }

  test("a folder that is not there, or no node's", async () => {
    await expectRefused(ForeignDataDirectory, /n1 holds no identity.json; expected the data folder/);
    rmSync(directory, { recursive: true });
    await expectRefused(ForeignDataDirectory, /n1 does not exist/);
    expect(existsSync(directory)).toBe(false);
  });

  test("an unborn node", async () => {
    await (await open()).storage.close();
    await expectRefused(RecoveryRefused, /identity.json says that n1 never belonged to a cluster/);
  });

  test("a node that was admitted and holds nothing", async () => {
    const { identity, storage } = await open();
    await storage.write(batch({ hardState: hardState(1) }));
    const fresh = identity.read();
    if (fresh === null) throw new Error("a fresh folder has an identity");
    await identity.write({ ...fresh, clusterId: first.clusterId, born: true });
    await storage.close();
    await expectRefused(RecoveryRefused, /holds nothing of its cluster yet/);
  });

  test("the only voter", async () => {
    await givenMember(membershipOf("n1"));
    await expectRefused(RecoveryRefused, /n1 is the only voter of its cluster c1 already/);
  });

  test("a node that was removed, and a disk that was replaced", async () => {
    await givenMember(membershipOf("n2", "n3"));
    await expectRefused(RecoveryRefused, /n1 \(incarnation first life\) is no member .* \(n2, n3\)/);
  });

  test("a folder that was put together of two nodes'", async () => {
    await givenMember({ ...membershipOf("n1", "n2", "n3"), clusterId: "c9" });
    await expectRefused(RecoveryRefused, /names the cluster c1, its database c9/);
  });

  test("a folder that is marked as damaged, although nothing is found now", async () => {
    await givenMember();
    writeFileSync(join(directory, "DAMAGED"), "entry 4: expected a record, found none\n");
    await expectRefused(DamagedStorage, /found entry 4: expected a record, found none/);
  });

  test("damage that nobody has seen yet; carrying it out marks the folder, as a start does", async () => {
    await givenMember();
    const table = readdirSync(join(directory, "db")).find((name) => /\.(log|ldb)$/.test(name)) ?? "";
    const path = join(directory, "db", table);
    const content = readFileSync(path);
    content[Math.floor(content.length / 2)] = (content[Math.floor(content.length / 2)] ?? 0) ^ 0x55;
    writeFileSync(path, content);
    const before = contents();
    await expect(surveyForRecovery(directory)).rejects.toThrow(DamagedStorage);
    expect(contents()).toEqual(before);
    await expect(recoverDataDirectory({ directory })).rejects.toThrow(DamagedStorage);
    expect(existsSync(join(directory, "DAMAGED"))).toBe(true);
  });

  test("a running node's folder", async () => {
    await givenMember();
    const { storage } = await open();
    await expect(recoverDataDirectory({ directory })).rejects.toThrow(StorageInUse);
    expect(storage.restored.last.index).toBe(5);
    await storage.close();
    expect(await surveyForRecovery(directory)).toMatchObject({ life: first, last: { index: 5 } });
  });
});
