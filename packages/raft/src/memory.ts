/** `@quorate/raft/memory`: the adapters' twins in memory, for tests and simulation. */

export {
  type CrashOptions,
  MemoryDisk,
  type MemoryStorage,
  type MemoryStorageOptions,
  type PendingWrite,
} from "./storage/memory-storage.js";
export {
  createMemoryNetwork,
  type MemoryNetwork,
  type MemoryNetworkOptions,
} from "./transport/memory-network.js";
