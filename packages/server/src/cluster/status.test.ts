import { encodeResponse, Fault } from "@quorate/protocol";
import type { NodeStatus } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { clusterMethods, reportMembers, reportStatus, type StatusSource } from "./status.js";
import { unbornStatus } from "./testing-status.js";

const unborn: NodeStatus = { ...unbornStatus, missing: ["n2"] };

const member = (id: string) => ({ id, incarnation: "i", peer: `${id}:9000`, http: `http://${id}:8000` });

const born: NodeStatus = {
  ...unborn,
  role: "leader",
  term: 4,
  leader: "n1",
  lastIndex: 50,
  canServe: true,
  born: true,
  missing: [],
  clusterId: "c1",
  membership: {
    clusterId: "c1",
    members: [member("n1"), member("n2"), member("n4")],
    voters: ["n1", "n2"],
    votersOutgoing: [],
    learners: ["n4"],
  },
  connected: ["n4"],
  followers: [{ id: "n2", match: 30, next: 31, state: "probe", active: false }],
};

const source = (status: NodeStatus): StatusSource => ({
  clusterName: "prod",
  service: { service: "kv", sha256: "ab" },
  configured: [member("n1"), member("n2")],
  status: () => status,
});

const call = (name: string, status: NodeStatus, params: string[] = []) =>
  clusterMethods(source(status)).get(name)?.call(params);

describe("the report of a node", () => {
  it("knows the leader's URL and how far each follower is behind", () => {
    expect(reportStatus(source(born))).toMatchObject({
      leader: "n1",
      leaderUrl: "http://n1:8000",
      serves: true,
      followers: [{ id: "n2", lag: 20, active: false }],
    });
  });

  it("lists the members of the cluster, not of the configuration, once it is founded", () => {
    expect(reportMembers(source(born))).toMatchObject([
      { id: "n1", role: "voter", leader: true, connected: true },
      { id: "n2", role: "voter", leader: false, connected: false },
      { id: "n4", role: "learner", leader: false, connected: true },
    ]);
    expect(reportMembers(source(unborn)).map(({ role }) => role)).toEqual(["configured", "configured"]);
  });
});

describe("cluster.status and cluster.members", () => {
  it("hold nothing that some client cannot read: no nil, no i8", () => {
    for (const status of [unborn, { ...born, commit: 2 ** 40 }]) {
      const text = ["cluster.status", "cluster.members"]
        .map((name) => encodeResponse(call(name, status) ?? null, { dialect: "strict" }).toString())
        .join("");
      expect(text).not.toMatch(/nil|i8/);
    }
    expect(call("cluster.status", unborn)).toMatchObject({ leader: "", clusterId: "", missing: ["n2"] });
  });

  it("take no parameters", () => {
    expect(() => call("cluster.status", born, ["x"])).toThrow(Fault);
  });
});
