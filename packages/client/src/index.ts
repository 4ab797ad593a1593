/** `@quorate/client`: calls a cluster, wherever its leader is. */
export { DateTime, Double, Fault, type Value } from "@quorate/protocol";
export { type CallOptions, Client, type ClientOptions } from "./client.js";
export { NotExecutedError, OutcomeUnknownError } from "./errors.js";
