import { expect, test } from "vitest";
import { decodeMembership, encodeMembership } from "./membership.js";
import { changed } from "./membership-change.js";
import { recoveredAs, recoveryRecord, survivorIn } from "./recovery.js";
import {
  entriesOfTerms,
  restoredOf,
  TestingServer,
  testingConfig,
  testingMembership,
} from "./testing-server.js";
import type { Member } from "./types.js";

const membership = testingMembership(["n1", "n2", "n3"]);
const self = membership.members[0] as Member;
const before = { clusterId: membership.clusterId, incarnation: self.incarnation };
const next = { clusterId: "c2", incarnation: "fresh" };

/** Its last two entries are not known to be committed. */
const log = entriesOfTerms([1, 1, 2, 2, 3]);
const survivor = restoredOf(membership, log, { term: 4, vote: "n2", commit: 3 });
const record = recoveryRecord(survivor, self, before, next);
const recorded = decodeMembership(record.entry.data);

function started(incarnation: string): TestingServer {
  const config = testingConfig("n1", { incarnation });
  return new TestingServer(config, membership, [...log, record.entry], record.hardState);
}

test("the record ends a log with the survivor as the only voter, in a later term, and commits all before it", () => {
  const { hardState, entry } = record;
  expect(hardState).toEqual({ term: 5, vote: null, commit: 6 });
  expect(entry).toMatchObject({ index: 6, term: 5 });
  expect(recorded).toEqual({
    clusterId: "c2",
    members: [{ ...self, incarnation: "fresh" }],
    voters: ["n1"],
    votersOutgoing: [],
    learners: [],
    recoveredFrom: before,
  });
});

test("a core that starts from it asks nobody, hands out every entry, and leads", () => {
  const server = started("fresh");
  expect(server.tick(100)).toEqual([]);
  expect(server.raft.status()).toMatchObject({ role: "leader", term: 6, canServe: true, commit: 7 });
  expect(server.applied.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test("the disk as it was before is not the one that the record means: it never leads", () => {
  const server = started(self.incarnation);
  server.tick(100);
  expect(server.raft.status()).toMatchObject({ role: "follower", term: 5 });
});

test("a survivor is who the membership means: by id and incarnation, a joining disk too", () => {
  const joining = { ...self, incarnation: "new disk" };
  expect(survivorIn(membership, "n1", self.incarnation)).toBe(self);
  expect(survivorIn(membership, "n1", "new disk")).toBeUndefined();
  expect(survivorIn({ ...membership, joining: [joining] }, "n1", "new disk")).toBe(joining);
});

test("an interrupted recovery is recognised by the life before it, and by nothing else", () => {
  expect(recoveredAs(recorded, "n1", before)).toEqual(next);
  expect(recoveredAs(recorded, "n2", before)).toBeNull();
  expect(recoveredAs(recorded, "n1", { ...before, incarnation: "other" })).toBeNull();
  expect(recoveredAs(recorded, "n1", { ...before, clusterId: "other" })).toBeNull();
  expect(recoveredAs(recorded, "n1", next)).toBeNull();
  expect(recoveredAs(membership, "n1", before)).toBeNull();
});

test("memberships after the record do not speak of it any more, and their bytes keep what they say", () => {
  const n2 = { id: "n2", incarnation: "i2", peer: "h:1", http: "http://h:2" };
  const added = changed(recorded, { kind: "add", member: n2 });
  if ("reason" in added) throw new Error(added.why);
  expect(added).not.toHaveProperty("recoveredFrom");
  expect(decodeMembership(encodeMembership(recorded))).toEqual(recorded);
});
