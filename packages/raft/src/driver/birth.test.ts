import { beforeEach, describe, expect, it } from "vitest";
import type { NodeIntroduction } from "../ports/index.js";
import { Birth, foundingMembership, judgeRecord } from "./birth.js";
import { memberListDigest } from "./member-list.js";

const members = ["n1", "n2", "n3"].map((id) => ({ id, peer: `${id}:9000`, http: `http://${id}:8000` }));
const digest = memberListDigest(members);

function introduction(nodeId: string, fields: Partial<NodeIntroduction> = {}): NodeIntroduction {
  return {
    clusterName: "test",
    nodeId,
    incarnation: `life of ${nodeId}`,
    clusterId: null,
    memberListDigest: digest,
    membershipIndex: 0,
    peer: `${nodeId}:9000`,
    http: `http://${nodeId}:8000`,
    retires: null,
    ...fields,
  };
}

const birthOf = (nodeId: string) =>
  new Birth({ nodeId, incarnation: `life of ${nodeId}`, members, memberListDigest: digest });

describe("who may found the cluster", () => {
  let first: Birth;
  beforeEach(() => {
    first = birthOf("n1");
    first.connected("n2", introduction("n2"));
  });

  it("the first of the list, once it hears all others unborn under the same list", () => {
    expect(first.founders()).toBeNull();
    expect(first.missing()).toEqual(["n3"]);
    expect(first.describeMissing()).toBe("n3 (not connected)");
    first.connected("n3", introduction("n3"));
    expect(first.missing()).toEqual([]);
    expect(foundingMembership("c", first.founders() ?? [])).toEqual({
      clusterId: "c",
      members: members.map((member) => ({ ...member, incarnation: `life of ${member.id}` })),
      voters: ["n1", "n2", "n3"],
      votersOutgoing: [],
      learners: [],
    });
  });

  it("nobody, while a member has another list", () => {
    first.connected("n3", introduction("n3", { memberListDigest: "other" }));
    expect(first.founders()).toBeNull();
    expect(first.describeMissing()).toBe("n3 (configured with another list of members)");
  });

  it("nobody, once a member belongs to a cluster: that one is to be joined", () => {
    first.connected("n3", introduction("n3", { clusterId: "c" }));
    expect(first.founders()).toBeNull();
    expect(first.missing()).toEqual([]);
  });

  it("nobody, while a disk is among them that retired a damaged life: there was a birth before", () => {
    first.connected("n3", introduction("n3", { retires: "former life of n3" }));
    expect(first.founders()).toBeNull();
    expect(first.describeMissing()).toBe("n3 (its disk belonged to a cluster before)");
  });

  it("nobody, when a member that was heard has gone again", () => {
    first.connected("n3", introduction("n3"));
    first.lost("n2");
    expect(first.founders()).toBeNull();
    first.connected("n2", introduction("n2", { incarnation: "new" }));
    expect(first.founders()?.[1]?.incarnation).toBe("new");
  });

  it("never another one than the first of the list", () => {
    const second = birthOf("n2");
    second.connected("n1", introduction("n1"));
    second.connected("n3", introduction("n3"));
    expect(second.founders()).toBeNull();
  });

  it("a cluster of one at once", () => {
    const [only] = members;
    if (only === undefined) throw new Error("unreachable");
    const alone = new Birth({ nodeId: "n1", incarnation: "i", members: [only], memberListDigest: digest });
    expect(alone.founders()).toEqual([{ ...only, incarnation: "i" }]);
  });
});

describe("whose disk a record means", () => {
  const membership = foundingMembership(
    "c",
    members.map((member) => ({ ...member, incarnation: `life of ${member.id}` })),
  );

  it("the one with the listed incarnation", () => {
    expect(judgeRecord("n2", "life of n2", membership, "n1 belongs to")).toEqual({
      kind: "adopt",
      membership,
    });
  });

  it("not a wiped one", () => {
    const verdict = judgeRecord("n2", "second life", membership, "n1 belongs to");
    expect(verdict).toMatchObject({ kind: "refuse" });
    expect(verdict.kind === "refuse" && verdict.reason).toMatch(
      /n1 belongs to the cluster c, which knows n2 under the incarnation life of n2; this data directory has second life/,
    );
  });

  it("not a foreign one", () => {
    const verdict = judgeRecord("n9", "life of n9", membership, "n1 belongs to");
    expect(verdict.kind === "refuse" && verdict.reason).toMatch(/members are n1, n2, n3; n9 is none of them/);
  });
});

it("lists are equal only with their order and addresses", () => {
  const other = members.map((member) => (member.id === "n2" ? { ...member, peer: "n2:9001" } : member));
  expect(memberListDigest([...members])).toBe(digest);
  expect(memberListDigest(members.toReversed())).not.toBe(digest);
  expect(memberListDigest(other)).not.toBe(digest);
});
