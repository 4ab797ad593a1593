/** For tests that cross packages: formats, the state machine, service loading, and whole nodes in the test's own process. */

// Whole nodes
export type { NodeConfig } from "../config/index.js";
export { type RunningNode, startNode } from "../node.js";
// Services
export { isNormal } from "../services/is-normal.js";
export { kvRegistry } from "../services/kv.js";
export { loadService } from "../services/load.js";
export { normalize } from "../services/normalize.js";
export { Registry } from "../services/registry.js";
// The state machine
export { encodeBatch, encodeCommand } from "../state/encode-command.js";
export { isOfEntry } from "../state/entry-failure.js";
// Formats
export {
  decodeLargeLogEntry,
  decodeLogEntry,
  encodeLogEntry,
  type LogEntry,
  LogEntryError,
} from "../state/log-entry.js";
export { readMetadata } from "../state/metadata.js";
export { Prng } from "../state/prng.js";
export { EngineFailure } from "../state/run-handler.js";
export { createServiceMachine, UnknownServiceVersion } from "../state/service-machine.js";
export { DivergedState } from "../state/strike-mark.js";
export {
  compareKeys,
  decodeTuple,
  encodeTuple,
  prefixRange,
  type TupleElement,
  TupleKeyError,
  TupleKeyTooLong,
} from "../state/tuple-key.js";
export type { BatchCall, CallResult, CommandContext, ServiceMachine } from "../state/types.js";
export {
  decodeLargeValue,
  decodeValue,
  encodeStorable,
  encodeValue,
  packValue,
} from "../state/value-encoding.js";
export { ValueEncodingError } from "../state/value-reader.js";
export { readInSlices } from "../state/value-slices.js";
