/** A disk that lost the end of its log without a word, under the same incarnation. */
import { describe, expect, test } from "vitest";
import { ForgottenEntriesError } from "./assert.js";
import { entriesOfTerms, TestingServer, testingConfig, testingMembership } from "./testing-server.js";
import type { Index, Term } from "./types.js";

/** A follower with a log of 3 in term 2, as it is after its restart. */
function restarted(): TestingServer {
  const config = testingConfig("n1");
  const hardState = { term: 2, vote: null, commit: 0 };
  return new TestingServer(
    config,
    testingMembership(["n1", "n2", "n3"]),
    entriesOfTerms([1, 2, 2]),
    hardState,
  );
}

const hear = (server: TestingServer, match: Index, term: Term = 2) =>
  server.receive({ type: "heartbeat", from: "n2", to: "n1", term, commit: 0, round: 1, match });

describe("a leader remembers what this log was acknowledged up to", () => {
  test("as far as the log goes: nothing is missing", () => {
    expect(hear(restarted(), 3)).toMatchObject([{ type: "heartbeatResponse", round: 1 }]);
  });

  test("less, as after a change of leaders: nothing is missing", () => {
    expect(hear(restarted(), 0, 5)).toMatchObject([{ type: "heartbeatResponse", term: 5 }]);
  });

  test("further: this disk forgot, and answers nothing any more, committed or not", () => {
    const server = restarted();
    expect(() => hear(server, 4)).toThrow(ForgottenEntriesError);
    expect(() => hear(server, 4)).toThrow(
      "this disk forgot entries that it had acknowledged: n2, which leads in term 2, remembers them up to 4, the log ends at 3",
    );
    expect(server.run()).toEqual([]);
  });

  test("further, in a term that the disk forgot as well", () => {
    expect(() => hear(restarted(), 9, 7)).toThrow(ForgottenEntriesError);
  });

  test("a leader of an earlier term is not asked", () => {
    expect(hear(restarted(), 9, 1)).toMatchObject([{ type: "heartbeatResponse", term: 2, round: 0 }]);
  });
});
