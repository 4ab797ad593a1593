import { describe, expect, test } from "vitest";
import { TestingCluster } from "./testing-cluster.js";
import type { NodeId } from "./types.js";

const voters = ["n1", "n2", "n3"];

function led(learners: NodeId[] = []): TestingCluster {
  const cluster = new TestingCluster({ voters, learners });
  cluster.campaign("n1");
  expect(cluster.leaders).toEqual(["n1"]);
  return cluster;
}

function transfer(cluster: TestingCluster, to: NodeId, from: NodeId = "n1"): void {
  cluster.server(from).raft.step({ type: "transfer", to });
  cluster.settle();
}

function events(cluster: TestingCluster, id: NodeId): string[] {
  const seen = cluster.server(id).readies.flatMap((ready) => ready.events);
  return seen.flatMap((event) =>
    event.type === "transferStarted" || event.type === "transferAborted" ? [`${event.type} ${event.to}`] : [],
  );
}

describe("S47 leadership transfer (thesis, section 3.10)", () => {
  test("to an up-to-date voter: it leads the next term at once, although everybody hears the old leader", () => {
    const cluster = led();
    transfer(cluster, "n2");
    expect(cluster.leaders).toEqual(["n2"]);
    for (const id of voters)
      expect(cluster.server(id).raft.status()).toMatchObject({ term: 3, leader: "n2" });
    expect(events(cluster, "n1")).toEqual(["transferStarted n2"]);
  });

  test("and back", () => {
    const cluster = led();
    transfer(cluster, "n2");
    transfer(cluster, "n1", "n2");
    expect(cluster.leaders).toEqual(["n1"]);
    cluster.propose("n1", 1);
    for (const id of voters) expect(cluster.server(id).raft.status().commit).toBe(5);
  });

  test("to a slow one: it catches up first", () => {
    const cluster = led();
    cluster.isolate("n3");
    cluster.propose("n1", 1, 2, 3);
    transfer(cluster, "n3");
    expect(cluster.leaders).toEqual(["n1"]);
    cluster.heal();
    cluster.tick("n1", 3);
    expect(cluster.leaders).toEqual(["n3"]);
    expect(cluster.server("n3").terms).toEqual([1, 2, 2, 2, 2, 3]);
  });

  test("proposals are refused meanwhile, and accepted again after it was given up at the election timeout", () => {
    const cluster = led();
    cluster.isolate("n3");
    cluster.propose("n1", 1);
    transfer(cluster, "n3");
    cluster.propose("n1", 2);
    expect(cluster.server("n1").refused).toEqual([{ context: 2, reason: "transferring" }]);
    cluster.tick("n1", 9);
    expect(events(cluster, "n1")).toEqual(["transferStarted n3"]);
    cluster.tick("n1", 1);
    expect(events(cluster, "n1")).toEqual(["transferStarted n3", "transferAborted n3"]);
    cluster.propose("n1", 3);
    expect(cluster.server("n1").refused).toHaveLength(1);
    expect(cluster.server("n1").raft.status().commit).toBe(4);
  });

  test.each(["n1", "n4", "nobody"])("to %s (itself, a learner, a stranger): ignored", (to) => {
    const cluster = led(["n4"]);
    transfer(cluster, to);
    expect(cluster.leaders).toEqual(["n1"]);
    expect(events(cluster, "n1")).toEqual([]);
    cluster.propose("n1", 1);
    expect(cluster.server("n1").refused).toEqual([]);
  });

  test("asked of a follower: ignored", () => {
    const cluster = led();
    transfer(cluster, "n3", "n2");
    expect(cluster.leaders).toEqual(["n1"]);
  });

  test("a second one elsewhere replaces the first; one to the same does not extend it", () => {
    const cluster = led();
    cluster.isolate("n3");
    cluster.propose("n1", 1);
    transfer(cluster, "n3");
    cluster.tick("n1", 5);
    transfer(cluster, "n3");
    cluster.tick("n1", 4);
    expect(events(cluster, "n1")).toEqual(["transferStarted n3"]);
    transfer(cluster, "n2");
    expect(events(cluster, "n1")).toEqual(["transferStarted n3", "transferAborted n3", "transferStarted n2"]);
    expect(cluster.leaders).toEqual(["n2"]);
  });

  test("to one that is removed: refused while it goes on; once it is out, it is nobody to hand over to", () => {
    const cluster = led();
    cluster.isolate("n3");
    cluster.propose("n1", 1);
    transfer(cluster, "n3");
    cluster.change("n1", 1, { kind: "remove", id: "n3" });
    expect(cluster.server("n1").changes).toMatchObject([{ kind: "refused", reason: "transferring" }]);
    cluster.tick("n1", 10);
    cluster.change("n1", 2, { kind: "remove", id: "n3" });
    expect(cluster.server("n1").changes.at(-1)).toMatchObject({ context: 2, kind: "done" });
    cluster.heal();
    transfer(cluster, "n3");
    expect(cluster.leaders).toEqual(["n1"]);
    expect(events(cluster, "n1")).toEqual(["transferStarted n3", "transferAborted n3"]);
  });

  test("round seven servers, with proposals before each: every one leads in its turn, nothing is lost", () => {
    const seven = ["n1", "n2", "n3", "n4", "n5", "n6", "n7"];
    const cluster = new TestingCluster({ voters: seven });
    cluster.campaign("n1");
    const terms = [1, 2];
    for (const [turn, to] of [...seven.slice(1), "n1"].entries()) {
      const [from = ""] = cluster.leaders;
      const proposals = [1, 2, 3].map((context) => ({ context, data: new Uint8Array([context]) }));
      cluster.server(from).raft.step({ type: "propose", proposals });
      // The proposals are on their way: the target gets them first.
      transfer(cluster, to, from);
      expect(cluster.leaders).toEqual([to]);
      terms.push(...proposals.map(() => turn + 2), turn + 3);
    }
    for (const id of seven) expect(cluster.server(id).terms).toEqual(terms);
    for (const id of seven) expect(cluster.server(id).refused).toEqual([]);
  });

  test("a higher term ends it", () => {
    const cluster = led();
    cluster.isolate("n3");
    cluster.propose("n1", 1);
    transfer(cluster, "n3");
    const vote = { type: "requestVote", from: "n2", to: "n1", term: 9, lastIndex: 9, lastTerm: 9 } as const;
    cluster.deliver({ ...vote, transfer: true });
    cluster.settle();
    expect(cluster.server("n1").raft.status()).toMatchObject({ role: "follower", term: 9 });
  });

  test("S46 a learner ignores TimeoutNow, and so does everybody in a past term", () => {
    const cluster = led(["n4"]);
    cluster.deliver({ type: "timeoutNow", from: "n1", to: "n4", term: 2 });
    cluster.deliver({ type: "timeoutNow", from: "n1", to: "n2", term: 1 });
    cluster.settle();
    for (const id of [...voters, "n4"]) expect(cluster.server(id).raft.status()).toMatchObject({ term: 2 });
  });
});
