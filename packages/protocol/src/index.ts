// Values
export { DateTime } from "./date-time.js";
// Errors and faults
export { DecodeError, EncodeError } from "./errors.js";
export { Fault, type FaultCode, faultCodes } from "./fault.js";
// Limits
export { defaultLimits, type Limits, resolveLimits } from "./limits.js";
export {
  Double,
  type Encodable,
  isArray,
  isInt,
  isStruct,
  type Struct,
  struct,
  typeOf,
  type Value,
  type ValueType,
  valuesEqual,
} from "./value.js";
