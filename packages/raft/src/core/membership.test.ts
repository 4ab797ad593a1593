import { describe, expect, test } from "vitest";
import {
  birthRecord,
  birthRestored,
  decodeMembership,
  encodeMembership,
  InvalidMembershipError,
  MembershipHistory,
} from "./membership.js";
import { Raft } from "./raft.js";
import { testingConfig, testingMembership } from "./testing-server.js";
import { EntryType } from "./types.js";

const three = testingMembership(["n1", "n2", "n3"], ["n4"]);

test("a membership survives its bytes", () => {
  expect(decodeMembership(encodeMembership(three))).toEqual(three);
});

describe("bytes that are no membership are refused by name", () => {
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const [member] = three.members;
  test.each([
    { data: new Uint8Array([0xff]), text: "a membership must be JSON in UTF-8" },
    { data: bytes([]), text: "a membership must be an object, not []" },
    { data: bytes({ ...three, clusterId: 7 }), text: "clusterId must be a non-empty string, not 7" },
    { data: bytes({ ...three, members: [member, member] }), text: 'members lists "n1" twice' },
    { data: bytes({ ...three, members: [{ ...member, peer: "" }] }), text: "members[0].peer must be" },
    { data: bytes({ ...three, voters: ["n9"] }), text: 'voters names "n9", which is not in members' },
    { data: bytes({ ...three, voters: [] }), text: "voters must name at least one member" },
    { data: bytes({ ...three, learners: ["n1"] }), text: '"n1" cannot be a voter and a learner at once' },
    {
      data: bytes({ ...three, votersOutgoing: undefined }),
      text: "votersOutgoing must be an array, not missing",
    },
  ])("$text", ({ data, text }) => {
    expect(() => decodeMembership(data)).toThrow(InvalidMembershipError);
    expect(() => decodeMembership(data)).toThrow(text);
  });

  test("and what could not be read back is not written", () => {
    expect(() => encodeMembership({ ...three, voters: ["n9"] })).toThrow(InvalidMembershipError);
  });
});

test("a newborn node stores entry 1 of term 1 as committed and starts as a follower with that membership", () => {
  const { hardState, entry } = birthRecord(three);
  expect(hardState).toEqual({ term: 1, vote: null, commit: 1 });
  expect(entry).toMatchObject({ index: 1, term: 1, type: EntryType.membership });
  const raft = new Raft(testingConfig("n1"), birthRestored(three));
  expect(raft.status()).toMatchObject({ role: "follower", term: 1, commit: 1, lastIndex: 1 });
  expect(raft.membership()).toEqual(three);
  expect(raft.ready().apply).toEqual([entry]);
});

describe("pitfall 27: the membership in force is the log's last", () => {
  const two = testingMembership(["n1", "n2"]);
  const entry = (index: number) => {
    return { index, term: 2, type: EntryType.membership, data: encodeMembership(two) };
  };

  test("from the moment it is appended; cutting it off restores the one before", () => {
    const history = new MembershipHistory({ membership: { index: 1, membership: three } });
    history.append(entry(5));
    expect(history.current).toEqual(two);
    expect([...history.ids]).toEqual(["n1", "n2"]);
    expect(history.truncateFrom(6)).toBe(false);
    expect(history.truncateFrom(5)).toBe(true);
    expect(history.current).toEqual(three);
    expect([...history.ids]).toEqual(["n1", "n2", "n3", "n4"]);
  });

  test("the one before is forgotten only when a later one is committed", () => {
    const history = new MembershipHistory({ membership: { index: 1, membership: three } });
    history.append(entry(5));
    history.committed(4);
    expect(history.truncateFrom(5)).toBe(true);
    history.append(entry(5));
    history.committed(5);
    expect(() => history.truncateFrom(5)).toThrow(
      "the membership before a cut-off one is not known [index=5]",
    );
  });
});
