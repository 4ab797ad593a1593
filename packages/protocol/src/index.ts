// Reading is `decode.js`, writing `encode.js`, what both refuse `errors.js`, what they speak of `value.js`.
// For tools and tests only: the fast path on its own, `checkWellFormed`, the first step of the full path, and the survey.
export { DateTime } from "./date-time.js";
export { type Call, type DecodeOptions, decodeCall, decodeResponse } from "./decode.js";
export { type Dialect, type EncodeOptions, encodeCall, encodeFault, encodeResponse } from "./encode.js";
export { DecodeError, EncodeError } from "./errors.js";
export { decodeCallFast, decodeResponseFast } from "./fast-decode.js";
export { Fault, type FaultCode, faultCodes } from "./fault.js";
export { checkWellFormed } from "./guard.js";
export { defaultLimits, type Limits, resolveLimits } from "./limits.js";
export { survey } from "./survey.js";
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
