/** A load generator for `quorate bench` and the project's own benchmarks: cheap, and the same for every server. */
export { type CallKind, type Calls, isAmong, keyOf } from "./calls.js";
export { type HttpLoadOptions, runHttpLoad } from "./http-load.js";
export { type KvLoad, kvCalls, kvKey, kvValue, xmlRpcFailure } from "./kv-calls.js";
export { Latencies, type LatencySummary } from "./latencies.js";
export { type Channel, type KindResult, type LoadOptions, type LoadResult, runLoad } from "./run-load.js";
