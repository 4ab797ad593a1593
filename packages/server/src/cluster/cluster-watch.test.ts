import type { NodeStatus } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { ClusterWatch } from "./cluster-watch.js";
import { unbornStatus } from "./testing-status.js";

const configured = ["n1", "n2", "n3"].map((id) => ({ id, peer: `${id}:9000`, http: `http://${id}:8000/` }));

const unborn: NodeStatus = { ...unbornStatus, missing: ["n2", "n3"] };

function rig() {
  let status = unborn;
  const listeners = new Set<() => void>();
  const farewell: { leader: string | null; removed: boolean } = { leader: null, removed: false };
  const onChange = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const watch = new ClusterWatch({ status: () => status, onChange }, configured, {
    get leader() {
      return farewell.leader;
    },
    get removed() {
      return farewell.removed;
    },
    onChange,
  });
  const become = (part: Partial<NodeStatus>) => {
    status = { ...status, ...part };
    for (const listener of [...listeners]) listener();
  };
  return { watch, become, listeners, farewell };
}

const born = { born: true, missing: [], clusterId: "c0ffee00c0ffee00" };

describe("the view of the cluster", () => {
  it("says who is missing before there is one", () => {
    const { watch, become } = rig();
    expect(watch.view).toMatchObject({ leader: null, serves: false, tag: "" });
    expect(watch.view.whyNoLeader).toContain("n2, n3");
    become({ missing: [] });
    expect(watch.view.whyNoLeader).toContain("being founded");
    become(born);
    expect(watch.view.whyNoLeader).toContain("majority");
  });

  it("names the leader with its URL, without the slash that a path will bring", () => {
    const { watch, become } = rig();
    become({ ...born, leader: "n3", term: 2 });
    expect(watch.view.leader).toEqual({ id: "n3", url: "http://n3:8000", isThisNode: false });
    expect(watch.view).toMatchObject({ term: 2, tag: "c0ffee00" });
    become({ leader: "n9" });
    expect(watch.view.leader).toEqual({ id: "n9", url: null, isThisNode: false });
  });

  it("believes the membership rather than the configuration", () => {
    const { watch, become } = rig();
    const moved = { id: "n3", incarnation: "i", peer: "x:9000", http: "http://moved:8000" };
    const membership = { clusterId: "c", members: [moved], voters: ["n3"], votersOutgoing: [], learners: [] };
    become({ ...born, leader: "n3", membership });
    expect(watch.view.leader?.url).toBe("http://moved:8000");
  });

  it("of a removed node is what the members tell it, then that it was removed and whom to call", () => {
    const { watch, become, farewell } = rig();
    const moved = { id: "n3", incarnation: "i", peer: "x:9000", http: "http://n3:8000" };
    const membership = { clusterId: "c", members: [moved], voters: ["n3"], votersOutgoing: [], learners: [] };
    farewell.removed = true;
    become({ ...born, membership, leader: null });
    expect(watch.view.leader).toBe(null);
    farewell.leader = "n3";
    become({});
    expect(watch.view.leader).toEqual({ id: "n3", url: "http://n3:8000", isThisNode: false });
    farewell.leader = null;
    become({});
    expect(watch.view.leader).toBe(null);
    expect(watch.view.whyNoLeader).toBe(
      "this node was removed from the cluster: call one of n3 (http://n3:8000)",
    );
  });

  it("of a node that nobody lets in says why", () => {
    const { watch, become } = rig();
    const refusals = ["n2 (n2:9000) refused this node: n1 is a stranger"];
    become({ ...born, connected: ["n3"], refusals });
    expect(watch.view.whyNoLeader).toContain("majority");
    become({ connected: [] });
    expect(watch.view.whyNoLeader).toBe(`this node is alone: ${refusals[0]}`);
  });

  it("serves only once the leader can", () => {
    const { watch, become } = rig();
    become({ ...born, leader: "n1", role: "leader" });
    expect(watch.view).toMatchObject({ leader: { isThisNode: true }, serves: false });
    become({ canServe: true });
    expect(watch.view.serves).toBe(true);
  });

  it("counts reigns, not losses of sight", () => {
    const { watch, become } = rig();
    become({ ...born, leader: "n2", term: 1 });
    become({ leader: null });
    become({ leader: "n2" });
    expect(watch.leaderChanges).toBe(1);
    become({ leader: "n2", term: 2 });
    become({ leader: "n3", term: 3 });
    expect(watch.leaderChanges).toBe(3);
  });

  it("tells its listeners until they leave, and Raft nothing any more after closing", () => {
    const { watch, become, listeners } = rig();
    let told = 0;
    const leave = watch.onChange(() => {
      told += 1;
      leave();
    });
    watch.onChange(() => {
      told += 10;
    });
    become({ term: 1 });
    become({ term: 2 });
    expect(told).toBe(21);
    watch.close();
    expect(listeners.size).toBe(0);
  });
});
