/** The document that answers a `system.multicall`. */
import { type Dialect, EncodeError, encodeResponse, type Value } from "@quorate/protocol";
import { faultStruct, unwritableResult } from "./faults.js";

/** Per call an array of its one result, or a fault struct; what cannot be written costs its own slot only. */
export function encodeSlots(slots: readonly Value[], dialect: Dialect | undefined): Uint8Array {
  try {
    return encodeResponse(slots, { dialect });
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error;
    return encodeResponse(
      slots.map((slot) => writable(slot, dialect)),
      { dialect },
    );
  }
}

function writable(slot: Value, dialect: Dialect | undefined): Value {
  try {
    encodeResponse([slot], { dialect });
    return slot;
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error;
    return faultStruct(unwritableResult(error));
  }
}
