/** Faults that simulation has found, each brought about in the smallest way that shows it. */
import type { Message } from "@quorate/raft/core";
import { expect, it } from "vitest";
import type { ReadEnd } from "./open-reads.js";
import { Scenario } from "./scenario.js";
import { simulate } from "./simulate.js";

it("a follower restarts while the leader's answer to its read is under way: its next read is not answered by it", () => {
  const scenario = new Scenario({ seed: 1, knobs: { downTime: { min: 0, max: 0 } } });
  const { cluster } = scenario;
  scenario.run(1);
  const { leader } = scenario;
  const follower = cluster.nodes.find((node) => node !== leader);
  if (!leader || !follower) throw new Error("a calm cluster has a leader after a second");
  scenario.clients.stop();
  scenario.run(0.1);

  const held: Message[] = [];
  cluster.network.intercept = (message) => message.type === "readIndexResponse" && held.push(message) > 0;
  follower.read("k1", () => undefined);
  scenario.run(0.1);
  expect(held).toHaveLength(1);
  cluster.crashed(follower, "crash");
  scenario.run(0.1);
  scenario.clients.set("writer", leader, "k1", () => undefined);
  scenario.run(0.1);

  const ends: ReadEnd[] = [];
  follower.read("k1", (end) => ends.push(end));
  for (const late of held.splice(0)) follower.receive(late, leader.incarnation);
  expect(ends).toEqual([]);
  cluster.network.intercept = () => false;
});

it("a deposed leader's proposal ends when the next term's first entry is executed, although nobody writes any more", () => {
  const scenario = new Scenario({ seed: 1 });
  const { cluster } = scenario;
  scenario.run(1);
  const { leader } = scenario;
  if (!leader) throw new Error("a calm cluster has a leader after a second");
  scenario.clients.stop();
  scenario.run(0.1);

  cluster.network.intercept = (message) => message.from === leader.id || message.to === leader.id;
  const ends: string[] = [];
  for (let i = 0; i < 5; i++)
    leader.propose({ id: 1_000_000 + i, kind: "incr", key: "c" }, ({ kind }) => ends.push(kind));
  scenario.run(1);
  expect(ends).toEqual([]);
  cluster.network.intercept = () => false;
  for (const node of cluster.nodes) if (node !== leader) cluster.reconnect(node, leader);
  scenario.run(0.5);
  expect(ends).toEqual(["lost", "lost", "lost", "lost", "lost"]);
});

it("after the faults a leader whose state is slow serves when it has executed what it found, not sooner", () => {
  expect(simulate({ seed: 712 }).failure).toBeNull();
});
