/** For tests: the status of node n1 before birth, from which a test makes the one that it needs. */
import type { NodeStatus } from "@quorate/raft";

export const unbornStatus: NodeStatus = {
  id: "n1",
  role: "follower",
  term: 0,
  leader: null,
  commit: 0,
  applied: 0,
  lastIndex: 0,
  firstIndex: 1,
  logBytes: 0,
  canServe: false,
  followers: [],
  born: false,
  missing: [],
  rebuilding: [],
  clusterId: null,
  membership: null,
  connected: [],
  refusals: [],
  snapshotFrom: null,
  held: null,
  removed: false,
  proposalsPending: 0,
  failureTolerance: 0,
};
