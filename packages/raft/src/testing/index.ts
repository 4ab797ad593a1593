/** For tests of programs that embed Raft: cores, disks and networks that are moved by hand. */
export { TestingCluster, type TestingClusterOptions } from "../core/testing-cluster.js";
export {
  entriesOfTerms,
  restoredOf,
  TestingServer,
  testingConfig,
  testingMembership,
} from "../core/testing-server.js";
