/**
 * What service files import: `import { command, defineService, Fault, query, t } from "@quorate/server"`.
 * Importing it starts nothing and loads neither LevelDB nor an HTTP server.
 */

// Values that have no JavaScript type of their own, and the error that is a result
export { DateTime, Double, Fault, type Struct, type Value } from "@quorate/protocol";
// Declaring a service
export { createService, type ServiceBuilder } from "./services/create-service.js";
export { command, defineService, type MethodOptions, query } from "./services/define-service.js";
export {
  type MethodDefinition,
  type ServiceDefinition,
  ServiceDefinitionError,
} from "./services/service-definition.js";
export { t } from "./services/t.js";
export type { Infer, RestType, Type } from "./services/type.js";
// What handlers get
export type { Key, RangeOptions, Transaction, View } from "./state/context.js";
