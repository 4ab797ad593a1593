import { expect, test } from "vitest";
import { checkInvariants } from "./invariants.js";
import { Leadership } from "./leadership.js";
import { Progress } from "./progress.js";
import { Server } from "./server.js";
import { entriesOfTerms, restoredOf, testingConfig, testingMembership } from "./testing-server.js";

/** A sound server with log [1,1,2], two entries committed. */
function sound(): Server {
  const hardState = { term: 2, vote: null, commit: 2 };
  const membership = testingMembership(["n1", "n2", "n3"]);
  return new Server(testingConfig("n1"), restoredOf(membership, entriesOfTerms([1, 1, 2]), hardState));
}

test("a sound server passes", () => {
  checkInvariants(sound());
});

test.each([
  { why: "more handed out than committed", harm: (server: Server) => (server.applier.handed = 3) },
  { why: "more applied than handed out", harm: (server: Server) => (server.applier.applied = 1) },
  {
    why: "more compacted than applied",
    harm: (server: Server) => (server.log.compacted = { index: 1, term: 1 }),
  },
  { why: "more committed than held", harm: (server: Server) => (server.commit = 4) },
  { why: "an entry of the future", harm: (server: Server) => (server.term = 1) },
  { why: "a leader without leadership", harm: (server: Server) => (server.role = "leader") },
  {
    why: "next not above match",
    harm: (server: Server) => {
      server.role = "leader";
      server.leadership = new Leadership(3);
      const progress = new Progress(3, 0, 1);
      progress.match = 3;
      server.leadership.progress.set("n2", progress);
    },
  },
])("$why is noticed", ({ harm }) => {
  const server = sound();
  harm(server);
  expect(() => checkInvariants(server)).toThrow(/\[.*=.*\]/);
});
