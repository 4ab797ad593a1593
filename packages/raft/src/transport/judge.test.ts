import { describe, expect, it } from "vitest";
import type { Membership } from "../core/index.js";
import type { NodeIntroduction } from "../ports/index.js";
import { asksForItsPlace, judge } from "./judge.js";

function node(nodeId: string, more: Partial<NodeIntroduction> = {}): NodeIntroduction {
  const own = {
    clusterName: "prod",
    nodeId,
    incarnation: `${nodeId}-1`,
    clusterId: null,
    memberListDigest: "d",
    membershipIndex: 0,
    peer: `${nodeId}:9000`,
    http: `http://${nodeId}:8000`,
    retires: null,
  };
  return { ...own, ...more };
}

const born: Membership = {
  clusterId: "c1",
  members: ["n1", "n2", "n3"].map((id) => ({ id, incarnation: `${id}-1`, peer: `${id}:9000`, http: "" })),
  voters: ["n1", "n2", "n3"],
  votersOutgoing: [],
  learners: [],
};
const c1 = { clusterId: "c1" };

interface Case {
  readonly title: string;
  readonly other: NodeIntroduction;
  readonly own?: NodeIntroduction;
  readonly membership?: Membership | null;
  readonly connected?: string | null;
  readonly intended?: string;
  readonly reached?: string;
  /** Null: welcome. */
  readonly refusal: RegExp | null;
}

const unborn: readonly Case[] = [
  { title: "the same list", other: node("n2"), refusal: null },
  {
    title: "another list",
    other: node("n2", { memberListDigest: "e" }),
    refusal: /n2 and n1 have different member lists/,
  },
  {
    title: "an id that is not configured",
    other: node("n9"),
    refusal: /n9 is not among the configured members \(n1, n2, n3\)/,
  },
  { title: "a born peer: its birth record will come", other: node("n2", c1), refusal: null },
  { title: "a born peer that the own list does not name", other: node("n4", c1), refusal: null },
  {
    title: "another cluster name",
    other: node("n2", { clusterName: "dev" }),
    refusal: /n2 belongs to the cluster named "dev", n1 to "prod"/,
  },
  { title: "the own id", other: node("n1"), refusal: /two nodes call themselves n1/ },
  {
    title: "the own id under another incarnation",
    other: node("n1", { incarnation: "x" }),
    refusal: /two nodes call themselves n1/,
  },
  {
    title: "somebody else than was called",
    other: node("n3"),
    intended: "n2",
    reached: "n3",
    refusal: /the address listed for n2 is that of n3/,
  },
  {
    title: "an id that is connected under another incarnation",
    other: node("n2"),
    connected: "n2-0",
    refusal: /another node is connected as n2 \(incarnation n2-0, the newcomer's is n2-1\)/,
  },
  {
    title: "an id that is connected under this incarnation",
    other: node("n2"),
    connected: "n2-1",
    refusal: null,
  },
];

const bornHere: readonly Case[] = [
  { title: "a member", other: node("n2", c1), refusal: null },
  {
    title: "a member whatever its configured list says",
    other: node("n2", { ...c1, memberListDigest: "e" }),
    refusal: null,
  },
  {
    title: "a member of another cluster",
    other: node("n2", { clusterId: "c2" }),
    refusal: /n2 belongs to the cluster with id c2, n1 to c1/,
  },
  {
    title: "a stranger that is born here",
    other: node("n9", c1),
    refusal: /n9 is a stranger: it was removed from the cluster, whose members are n1, n2, n3/,
  },
  {
    title: "a stranger that is born here and knows a later membership: this node was away",
    other: node("n9", { ...c1, membershipIndex: 8 }),
    refusal: null,
  },
  {
    title: "an unborn stranger: what to run",
    other: node("n9"),
    refusal: /n9 is a stranger: .*n1, n2, n3; to let it in: quorate add n9 n9:9000 http:\/\/n9:8000/,
  },
  {
    title: "an unborn stranger that claims to know a later membership",
    other: node("n9", { membershipIndex: 8 }),
    refusal: /n9 is a stranger/,
  },
  { title: "an unborn member: it waits for the birth record", other: node("n2"), refusal: null },
  {
    title: "a wiped member",
    other: node("n2", { incarnation: "n2-2" }),
    refusal:
      /n2 came back with another incarnation \(its disk was wiped or replaced\): the cluster knows n2-1, not n2-2; .*quorate replace n2/,
  },
  {
    title: "a member that retired its damaged disk: nothing to run",
    other: node("n2", { incarnation: "n2-2", retires: "n2-1" }),
    refusal:
      /n2 found its disk damaged and retired it \(incarnation n2-1\): it waits, empty, until the leader has given its place to n2-2/,
  },
  {
    title: "a disk that retired another life than the member's",
    other: node("n2", { incarnation: "n2-3", retires: "n2-2" }),
    refusal: /n2 came back with another incarnation/,
  },
  {
    title: "a member that was replaced while this node was away",
    other: node("n2", { ...c1, incarnation: "n2-2", membershipIndex: 8 }),
    refusal: null,
  },
  {
    title: "a born member with another disk",
    other: node("n2", { ...c1, incarnation: "n2-2" }),
    refusal: /n2 came back with another incarnation/,
  },
  {
    title: "a born member while another disk is connected",
    other: node("n2", c1),
    connected: "n2-0",
    refusal: /another node is connected as n2/,
  },
  {
    title: "another cluster name",
    other: node("n2", { ...c1, clusterName: "dev" }),
    refusal: /cluster named "dev"/,
  },
].map((row) => ({ own: node("n1", c1), membership: born, ...row }));

const bornUnread: readonly Case[] = [
  { title: "the same cluster", other: node("n2", c1), refusal: null },
  { title: "another cluster", other: node("n2", { clusterId: "c2" }), refusal: /cluster with id c2/ },
].map((row) => ({ own: node("n1", c1), membership: null, ...row }));

describe.each([
  ["an unborn node meets", unborn],
  ["a born node meets", bornHere],
  ["a born node that has not read its membership meets", bornUnread],
])("judge: %s", (_, cases) => {
  it.each(cases)("$title", ({ other, own, membership, connected, intended, reached, refusal }) => {
    const call = { intended: intended ?? other.nodeId, reached: reached ?? other.nodeId };
    const verdict = judge(other, call, {
      own: own ?? node("n1"),
      membership: membership ?? null,
      configured: ["n1", "n2", "n3"],
      connectedIncarnation: connected ?? null,
    });
    if (refusal === null) expect(verdict).toBeNull();
    else expect(verdict).toMatch(refusal);
  });
});

describe("who asks for its place", () => {
  const successor = node("n2", { incarnation: "n2-2", retires: "n2-1" });

  it("the successor of the life that the membership means", () => {
    expect(asksForItsPlace(successor, born, null)).toBe(true);
    expect(asksForItsPlace(successor, born, "n2-2")).toBe(true);
  });

  it.each<[string, NodeIntroduction, Membership | null, string | null]>([
    ["nobody while that life is connected", successor, born, "n2-1"],
    ["no wiped disk: it proves nothing", node("n2", { incarnation: "n2-2" }), born, null],
    ["not who retired another life", { ...successor, retires: "n2-0" }, born, null],
    ["not who retired somebody else's life", { ...successor, nodeId: "n3" }, born, null],
    ["nobody who belongs to a cluster already", { ...successor, ...c1 }, born, null],
    ["nobody where no membership is known", successor, null, null],
  ])("%s", (_, other, membership, connected) => {
    expect(asksForItsPlace(other, membership, connected)).toBe(false);
  });
});
