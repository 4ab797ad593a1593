import { describe, expect, it } from "vitest";
import type { ClusterView } from "./cluster-watch.js";
import { CommandContexts } from "./command-context.js";

function rig() {
  const time = { ms: 1000 };
  const watch = { view: { leader: null, term: 3, serves: true, tag: "", whyNoLeader: "" } as ClusterView };
  return { time, watch, contexts: new CommandContexts(watch, { monotonicMs: () => time.ms }) };
}

describe("what the leader adds to a command", () => {
  it("is a fresh seed every time, across refills of the pool", () => {
    const { contexts } = rig();
    const seeds = Array.from({ length: 1000 }, () => contexts.next("").seed);
    expect(new Set(seeds.map((seed) => Buffer.from(seed).toString("hex"))).size).toBe(1000);
    expect(seeds.every((seed) => seed.length === 16)).toBe(true);
  });

  it("is the time since its reign began, never across reigns", () => {
    const { time, watch, contexts } = rig();
    expect(contexts.next("").elapsedMs).toBe(0);
    time.ms += 500;
    expect(contexts.next("").elapsedMs).toBe(500);
    watch.view = { ...watch.view, term: 5 };
    time.ms += 60_000;
    expect(contexts.next("").elapsedMs).toBe(0);
    time.ms += 20;
    expect(contexts.next("").elapsedMs).toBe(20);
  });

  it("names the caller", () => {
    expect(rig().contexts.next("anna").caller).toBe("anna");
  });
});
