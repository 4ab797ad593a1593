/** A member whose disk was damaged, retired and begun anew, comes back by itself; nobody else does. */
import { ForgottenEntriesError } from "@quorate/raft/core";
import { describe, expect, it } from "vitest";
import { TestCluster } from "./test-cluster.js";

const hourMs = 3_600_000;

/** The memory network dials again, as the real one does. */
async function started(size: number, seed: number, network: "loopback" | "memory" = "memory") {
  const cluster = new TestCluster({ size, seed, promotionMs: 500, network });
  await cluster.startAll();
  const leader = await cluster.untilLeader();
  await set(cluster, leader, "before");
  const [follower, other] = cluster.ids.filter((id) => id !== leader);
  if (follower === undefined || other === undefined) throw new Error("three nodes at least are expected");
  return { cluster, leader, follower, other };
}

async function set(cluster: TestCluster, leader: string, key: string): Promise<void> {
  expect((await cluster.propose(leader, { kind: "set", key, value: "1" })).kind).toBe("applied");
}

const membershipAt = (cluster: TestCluster, id: string) => cluster.node(id).status().membership;
const incarnationAt = (cluster: TestCluster, at: string, id: string) =>
  membershipAt(cluster, at)?.members.find((member) => member.id === id)?.incarnation;

async function untilVoter(cluster: TestCluster, at: string, id: string, incarnation: string): Promise<void> {
  await cluster.clock.until(`${id} votes as ${incarnation}`, () => {
    const membership = membershipAt(cluster, at);
    const votes = membership?.voters.includes(id) === true && membership.votersOutgoing.length === 0;
    return votes && incarnationAt(cluster, at, id) === incarnation;
  });
}

const said = (cluster: TestCluster, id: string, words: RegExp) =>
  cluster.lines.filter((line) => line.id === id && words.test(line.message)).length;

describe("a damaged disk that retired its life", () => {
  it("gets its place, its log and its vote again without anybody's help", async () => {
    const { cluster, leader, follower } = await started(3, 1);
    cluster.crash(follower);
    cluster.retire(follower, "second life");
    await cluster.start(follower);
    expect(cluster.node(follower).status()).toMatchObject({
      born: false,
      missing: [],
      rebuilding: [follower],
    });
    await cluster.clock.until(
      "it is a learner",
      () => membershipAt(cluster, leader)?.learners[0] === follower,
    );
    expect(cluster.node(leader).status().rebuilding).toEqual([follower]);
    await set(cluster, leader, "meanwhile");
    await untilVoter(cluster, leader, follower, "second life");
    await cluster.clock.until(
      "it has all",
      () => cluster.node(follower).status().applied === cluster.node(leader).status().applied,
    );
    for (const id of [leader, follower]) expect(cluster.node(id).status().rebuilding).toEqual([]);
    expect(
      said(cluster, leader, /found its disk damaged: it retired the incarnation .* waits as second life/),
    ).toBe(1);
    expect(said(cluster, leader, /has its place again/)).toBe(1);
    expect(said(cluster, leader, /is rebuilt: it votes again/)).toBe(1);
    expect(cluster.fatal).toEqual([]);
  });

  it("of a leader: the next one does it", async () => {
    const { cluster, leader } = await started(3, 2);
    cluster.crash(leader);
    cluster.retire(leader, "second life");
    await cluster.start(leader);
    const next = await cluster.untilLeader(cluster.ids.filter((id) => id !== leader));
    await untilVoter(cluster, next, leader, "second life");
    await set(cluster, next, "after");
  });

  it("waits as long as no majority is there without it, and is helped when there is", async () => {
    const { cluster, leader, follower, other } = await started(3, 3);
    cluster.crash(other);
    cluster.crash(follower);
    cluster.retire(follower, "second life");
    await cluster.start(follower);
    await cluster.clock.run(5_000);
    expect(incarnationAt(cluster, leader, follower)).not.toBe("second life");
    await cluster.start(other);
    await untilVoter(cluster, await cluster.untilLeader([leader, other]), follower, "second life");
  });

  it("is not helped while its former life is connected", async () => {
    const { cluster, leader, follower } = await started(3, 4, "loopback");
    const former = incarnationAt(cluster, leader, follower);
    if (former === undefined) throw new Error("a member has an incarnation");
    const { handlers } = cluster.loopback(leader);
    const introduction = {
      ...(cluster.loopback(follower).handlers?.introduction() as NonNullable<
        ReturnType<NonNullable<typeof handlers>["introduction"]>
      >),
      incarnation: "a copy",
      clusterId: null,
      retires: former,
    };
    for (let times = 0; times < 20; times++) {
      handlers?.onRetired(introduction);
      await cluster.clock.run(100);
    }
    expect(incarnationAt(cluster, leader, follower)).toBe(former);
    expect(
      said(
        cluster,
        leader,
        /is not given its place again yet: .* is there, with the disk that the cluster knows/,
      ),
    ).toBe(1);
    await set(cluster, leader, "after");
  });

  it("is helped once an hour, and after that again", async () => {
    const { cluster, leader, follower } = await started(3, 5);
    for (const life of ["second life", "third life"]) {
      cluster.crash(follower);
      cluster.retire(follower, life);
      await cluster.start(follower);
      expect(cluster.leader()).toBe(leader);
      if (life === "second life") await untilVoter(cluster, leader, follower, life);
    }
    await cluster.clock.run(30_000);
    expect(incarnationAt(cluster, leader, follower)).toBe("second life");
    expect(said(cluster, leader, /it was replaced less than an hour ago/)).toBe(1);
    // Nothing else happens in that hour; the clock is put forward, and the newcomer knocks once more.
    cluster.clock.spend(hourMs);
    cluster.crash(follower);
    await cluster.start(follower);
    await untilVoter(cluster, await cluster.untilLeader(), follower, "third life");
  });

  it("is helped one at a time", async () => {
    const { cluster, leader } = await started(5, 6);
    const [first, second] = cluster.ids.filter((id) => id !== leader);
    if (first === undefined || second === undefined) throw new Error("five nodes are expected");
    for (const id of [first, second]) {
      cluster.crash(id);
      cluster.retire(id, `${id} again`);
      await cluster.start(id);
    }
    const learnersAtOnce: number[] = [];
    await cluster.clock.until("both vote again", () => {
      const membership = membershipAt(cluster, leader);
      learnersAtOnce.push(membership?.learners.length ?? 0);
      return [first, second].every(
        (id) => membership?.voters.includes(id) && incarnationAt(cluster, leader, id) === `${id} again`,
      );
    });
    expect(Math.max(...learnersAtOnce)).toBe(1);
  });
});

it("a disk that was put back from an older copy is found out by the leader, and is rebuilt", async () => {
  const { cluster, leader, follower } = await started(3, 10);
  await cluster.stop(follower);
  const { entries, hardState, position, state } = cluster.disk(follower);
  const copy = { entries: [...entries], hardState, position, state };
  await cluster.start(follower);
  await cluster.untilLeader([leader]);
  await set(cluster, leader, "forgotten");
  await cluster.clock.until("it has acknowledged that", () => {
    const { lastIndex } = cluster.node(leader).status();
    return cluster.disk(follower).position.last.index === lastIndex;
  });
  await cluster.clock.run(100);
  cluster.crash(follower);
  Object.assign(cluster.disk(follower), copy);
  await cluster.start(follower);
  await cluster.clock.until("it ends", () => cluster.fatal.length > 0);
  expect(cluster.fatal).toEqual([{ id: follower, error: expect.any(ForgottenEntriesError) }]);
  expect(cluster.fatal[0]?.error.message).toMatch(/this disk forgot entries that it had acknowledged/);

  cluster.crash(follower);
  cluster.retire(follower, "second life");
  await cluster.start(follower);
  await untilVoter(cluster, leader, follower, "second life");
});

describe("what is no proof", () => {
  it("a wiped disk waits for an operator, however long", async () => {
    const { cluster, leader, follower } = await started(3, 7);
    cluster.crash(follower);
    cluster.wipe(follower);
    await cluster.start(follower);
    await cluster.clock.run(60_000);
    expect(cluster.node(follower).status()).toMatchObject({ born: false, rebuilding: [] });
    expect(membershipAt(cluster, leader)?.learners).toEqual([]);
  });

  it("disks that all retired their lives found nothing: what was acknowledged is not forgotten by a second birth", async () => {
    const { cluster } = await started(3, 8);
    for (const id of cluster.ids) cluster.crash(id);
    for (const id of cluster.ids) cluster.retire(id);
    for (const id of cluster.ids) await cluster.start(id);
    await cluster.clock.run(30_000);
    for (const id of cluster.ids) {
      expect(cluster.node(id).status()).toMatchObject({ born: false, clusterId: null, rebuilding: [id] });
    }
  });

  it("nor does one of them with wiped ones: the founder hears that there was a cluster", async () => {
    const { cluster } = await started(3, 9);
    for (const id of cluster.ids) cluster.crash(id);
    cluster.wipe("n1");
    cluster.wipe("n2");
    cluster.retire("n3");
    for (const id of cluster.ids) await cluster.start(id);
    await cluster.clock.run(30_000);
    expect(cluster.ids.filter((id) => cluster.node(id).status().born)).toEqual([]);
    expect(said(cluster, "n1", /waiting for n3 \(its disk belonged to a cluster before\)/)).toBe(1);
  });
});
