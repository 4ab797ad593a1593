// Reading

// Values
export { DateTime } from "./date-time.js";
export { type Call, type DecodeOptions, decodeCall, decodeResponse } from "./decode.js";
// Writing
export { type Dialect, type EncodeOptions, encodeCall, encodeFault, encodeResponse } from "./encode.js";
// Refusals
export { DecodeError, EncodeError } from "./errors.js";
export { Fault, type FaultCode, faultCodes } from "./fault.js";
// For tools and tests: the first step of the full path on its own
export { checkWellFormed } from "./guard.js";
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
