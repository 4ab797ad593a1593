/** `@quorate/client`: calls a cluster, wherever its leader is. */
export { DateTime, Double, type Encodable, EncodeError, Fault, type Value } from "@quorate/protocol";
export type { CallOptions, Consistency } from "./call-options.js";
export { Client, type ClientOptions } from "./client.js";
export { NotExecutedError, OutcomeUnknownError } from "./errors.js";
export type { MethodTable, ServiceProxy } from "./proxy.js";
