/** `quorate members` and `quorate transfer` on a running cluster. */
import { Fault } from "@quorate/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cluster, type ClusterNode, until } from "./cluster.js";
import { quorate } from "./command.js";
import { ask, value } from "./rpc.js";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 3 });
});
afterAll(async () => cluster[Symbol.asyncDispose]());

interface Member {
  readonly id: string;
  readonly role: string;
  readonly leader: boolean;
  readonly match: number | null;
  readonly lag: number | null;
}

const membersAt = async (node: ClusterNode) => {
  const { out } = await quorate("members", "--url", node.url, "-o", "json");
  return JSON.parse(out) as readonly Member[];
};

test("members are listed by any node, with the leader's knowledge of each", async () => {
  const leader = await cluster.leader();
  for (const node of cluster.nodes) {
    const listed = await membersAt(node);
    expect(listed.map(({ id, role, leader: leads }) => [id, role, leads])).toEqual(
      cluster.nodes.map(({ id }) => [id, "voter", id === leader.id]),
    );
    for (const { match, lag } of listed) {
      expect(match).toBeGreaterThan(0);
      expect(lag).toBeGreaterThanOrEqual(0);
    }
  }
  const { code, out } = await quorate("members", "--url", leader.url);
  expect(code).toBe(0);
  expect(out.split("\n")[0]).toMatch(/^ID +ROLE +LEADER +CONNECTED +MATCH +LAG +PEER +HTTP$/);
  expect(out).toMatch(
    new RegExp(`^${leader.id} +voter +yes +yes +\\d+ +0 +127.0.0.1:\\d+ +${leader.url}$`, "m"),
  );
});

test("leadership goes to the named node, asked at the leader or elsewhere, without a redirect", async () => {
  for (const position of [0, 1]) {
    const leader = await cluster.leader();
    const [target, other] = await cluster.followers();
    if (target === undefined || other === undefined) throw new Error("two followers are expected");
    const asked = [leader, other][position] ?? leader;
    const { code, out } = await quorate("transfer", target.id, "--url", asked.url);
    expect([code, out]).toEqual([0, `${target.id} leads now\n`]);
    expect((await cluster.leader()).id).toBe(target.id);
  }
});

test("without a name it goes to another node, and the answer says to whom", async () => {
  const leader = await cluster.leader();
  const { code, out } = await quorate("transfer", "--url", leader.url, "-o", "json");
  expect(code).toBe(0);
  const { leader: next } = JSON.parse(out) as { leader: string };
  expect(next).not.toBe(leader.id);
  expect((await cluster.leader()).id).toBe(next);
  const redirecting = await ask(leader.url, "cluster.transfer", [], { userAgent: "curl/8.5.0" });
  expect(redirecting.status).toBe(200);
  expect(cluster.nodes.map(({ id }) => id)).toContain(redirecting.result);
});

test("what cannot be is refused by name, wherever it is asked", async () => {
  const leader = await cluster.leader();
  for (const node of cluster.nodes) {
    await expect(value(node.url, "cluster.transfer", ["n9"])).rejects.toThrow(
      new Fault(-32602, '"n9" is not a member; the voters are n1, n2, n3'),
    );
    await expect(value(node.url, "cluster.transfer", [leader.id])).rejects.toThrow(
      new Fault(409, `${leader.id} leads already`),
    );
    await expect(value(node.url, "cluster.transfer", [""])).rejects.toThrow(/expected nothing, or the id/);
  }
  const { code, errors } = await quorate("transfer", "n9", "--url", leader.url);
  expect([code, errors]).toEqual([
    3,
    'quorate: fault -32602: "n9" is not a member; the voters are n1, n2, n3\n',
  ]);
  expect((await cluster.leader()).id).toBe(leader.id);
});

test("it is a method like the others for introspection, and a node that is away is given up by name", async () => {
  const leader = await cluster.leader();
  expect(await value(leader.url, "system.listMethods", [])).toContain("cluster.transfer");
  expect(await value(leader.url, "system.methodSignature", ["cluster.transfer"])).toEqual([
    ["string"],
    ["string", "string"],
  ]);
  const [away] = await cluster.followers();
  if (away === undefined) throw new Error("no follower");
  await away.kill("SIGKILL");
  await expect(value(leader.url, "cluster.transfer", [away.id])).rejects.toThrow(
    new Fault(409, `gave up: ${away.id} did not take over leadership in time; this node still leads`),
  );
  expect(await value(leader.url, "kv.set", ["after", 1])).toBe(true);
  away.start();
  await away.ready();
  await until("the leader to go on", async () => ((await leader.isLeader()) ? true : undefined));
});
