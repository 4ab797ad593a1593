/** For tests of programs that embed Raft: cores, disks and networks that are moved by hand, and parts of the driver. */
export { TestingCluster, type TestingClusterOptions } from "../core/testing-cluster.js";
export {
  entriesOfTerms,
  restoredOf,
  TestingServer,
  testingConfig,
  testingMembership,
} from "../core/testing-server.js";
export { ExecutionGate, type Held } from "../driver/execution-gate.js";
export { requireStrikable, StrikeRefused } from "../driver/strikes.js";
