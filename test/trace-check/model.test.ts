/** Transitions made by hand: what the paper forbids is refused, with the reason in words. */
import { expect, it } from "vitest";
import { ReferenceModel, type TraceLine } from "./model.js";

const birth = { voters: ["a", "b", "c"], votersOutgoing: [], learners: [] };

const start = (node: string): TraceLine => ({
  node,
  incarnation: null,
  event: "restored",
  from: null,
  role: "follower",
  term: 1,
  vote: null,
  commit: 1,
  compacted: 0,
  durable: 1,
  hardStateDurable: true,
  log: { kept: 0, appended: [[1, 1]], memberships: [] },
});

/** `a` leads term 2 with the votes of `a` and `b`; its no-op is on its own disk. */
function led(): { model: ReferenceModel; leader: TraceLine; voter: TraceLine } {
  const model = new ReferenceModel(birth);
  for (const node of ["a", "b", "c"]) model.judge(start(node));
  const quiet = { ...start("a"), log: null };
  const candidate: TraceLine = { ...quiet, event: "tick", role: "candidate", term: 2, vote: "a" };
  model.judge({ ...candidate, hardStateDurable: false });
  const voter: TraceLine = { ...candidate, node: "b", event: "requestVote", from: "a", role: "follower" };
  model.judge(voter);
  model.judge({ ...candidate, event: "stored" });
  const leader: TraceLine = { ...candidate, event: "requestVoteResponse", from: "b", role: "leader" };
  model.judge({ ...leader, log: { kept: 1, appended: [[2, 1]], memberships: [] } });
  const stored: TraceLine = { ...leader, event: "stored", from: null, durable: 2 };
  model.judge(stored);
  return { model, leader: stored, voter };
}

const appended = (voter: TraceLine): TraceLine => ({
  ...voter,
  event: "appendEntries",
  from: "a",
  log: { kept: 1, appended: [[2, 1]], memberships: [] },
});

it("accepts an election, a replicated entry and its commit", () => {
  const { model, leader, voter } = led();
  model.judge(appended(voter));
  model.judge({ ...voter, event: "stored", from: null, durable: 2 });
  model.judge({ ...leader, event: "appendEntriesAccepted", from: "b", commit: 2 });
  model.judge({ ...voter, event: "heartbeat", from: "a", durable: 2, commit: 2 });
});

const forbidden: readonly [name: string, reason: RegExp, act: (led_: ReturnType<typeof led>) => TraceLine][] =
  [
    [
      "a second vote in a term",
      /turns its vote of term 2 from a to c/,
      ({ voter }) => ({ ...voter, vote: "c" }),
    ],
    ["a term that falls", /goes back from term 2 to 1/, ({ voter }) => ({ ...voter, term: 1, vote: null })],
    [
      "a vote for nobody's campaign",
      /no candidate of term 3/,
      ({ voter }) => ({ ...voter, term: 3, vote: "c" }),
    ],
    [
      "a second leader in a term",
      /leads without a campaign/,
      ({ leader }) => ({ ...leader, node: "c", log: { kept: 1, appended: [[2, 1]], memberships: [] } }),
    ],
    [
      "a commit that only the leader holds",
      /which no majority has on disk/,
      ({ leader }) => ({ ...leader, commit: 2 }),
    ],
    [
      "a follower that commits before the leader",
      /before any leader did/,
      ({ voter }) => ({ ...appended(voter), commit: 2 }),
    ],
    [
      "an entry that the leader does not have",
      /has 3 entries, its leader 2/,
      ({ voter }) => ({ ...appended(voter), log: { kept: 1, appended: [[2, 2]], memberships: [] } }),
    ],
    [
      "entries from somebody who does not lead",
      /changes its log for c; the leader of term 2 is a/,
      ({ voter }) => ({ ...appended(voter), from: "c" }),
    ],
    [
      "a leader that cuts its own log",
      /leads and cuts its log after 1/,
      ({ leader }) => ({ ...leader, log: { kept: 1, appended: [[2, 2]], memberships: [] } }),
    ],
    [
      "a membership change before the no-op committed",
      /before its no-op committed/,
      ({ leader }) => ({
        ...leader,
        log: {
          kept: 2,
          appended: [[2, 1]],
          memberships: [{ index: 3, voters: ["a", "b"], votersOutgoing: ["a", "b", "c"], learners: [] }],
        },
      }),
    ],
    ["a forgotten vote", /forgot its vote for a in term 2/, () => ({ ...start("b"), term: 2, vote: "c" })],
    ["a forgotten term", /forgot term 2/, () => start("b")],
    [
      "a forgotten entry",
      /forgot entry 2, which was on disk/,
      ({ leader }) => ({ ...start("a"), term: leader.term, vote: "a" }),
    ],
  ];

for (const [name, reason, act] of forbidden) {
  it(`refuses ${name}`, () => {
    const situation = led();
    expect(() => situation.model.judge(act(situation))).toThrow(reason);
  });
}

it("refuses a membership change that skips the joint one, once changes are allowed", () => {
  const { model, leader, voter } = led();
  model.judge(appended(voter));
  model.judge({ ...voter, event: "stored", from: null, durable: 2 });
  const committed: TraceLine = { ...leader, event: "appendEntriesAccepted", from: "b", commit: 2 };
  model.judge(committed);
  const change = (voters: string[], votersOutgoing: string[], index: number): TraceLine => ({
    ...committed,
    incarnation: null,
    event: "changeMembership",
    from: null,
    log: {
      kept: index - 1,
      appended: [[2, 1]],
      memberships: [{ index, voters, votersOutgoing, learners: [] }],
    },
  });
  expect(() => model.judge(change(["a", "b"], [], 3))).toThrow(/without a joint membership/);
  model.judge(change(["a", "b"], ["a", "b", "c"], 3));
  expect(() => model.judge(change(["a", "b"], [], 4))).toThrow(/while the one at 3 is open/);
});
