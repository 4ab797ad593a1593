/**
 * Reads large values a slice at a time. A value of a megabyte may hold a million others: to make them all takes
 * longer than a leader may be silent, so sockets and timers get a turn after each slice.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Value } from "@quorate/protocol";
import { Opened, ValueReader } from "./value-reader.js";

/** Below, a value is read in a few milliseconds, whatever it holds. */
export const slicedBytesMin = 64 * 1024;
/** A slice ends with the first of these; by counts and not by time, so that reading depends on nothing else. */
const sliceValuesMax = 8192;
const sliceBytesMax = 1024 * 1024;

/** As `ValueReader.read`: rejects with `ValueEncodingError`. The bytes must not change until it has resolved. */
export async function readInSlices(bytes: Uint8Array, start: number): Promise<Value> {
  const reader = new ValueReader(bytes, start);
  const open: Place[] = [];
  let values = 0;
  let sliceEnd = start + sliceBytesMax;
  for (;;) {
    if (++values === sliceValuesMax || reader.at >= sliceEnd) {
      await nextTurn();
      values = 0;
      sliceEnd = reader.at + sliceBytesMax;
    }
    const place = open.at(-1);
    if (place?.container.isStruct) place.name = reader.name();
    const next = reader.next();
    if (next instanceof Opened && next.left > 0) {
      open.push({ container: next, name: "" });
      continue;
    }
    const whole = complete(next, open, reader);
    if (whole === undefined) continue;
    reader.finish();
    // One text may be a slice by itself: what becomes of the value begins with a turn of its own.
    if (reader.at >= sliceEnd) await nextTurn();
    return whole;
  }
}

/** An array or struct that is being filled, and the name of the member that is being read. */
interface Place {
  readonly container: Opened;
  name: string;
}

/** Puts what was read where it belongs, and with it all that it completes; the outermost value when that is complete. */
function complete(read: Value | Opened, open: Place[], reader: ValueReader): Value | undefined {
  let value = contentOf(read, reader);
  for (let place = open.at(-1); place !== undefined; place = open.at(-1)) {
    place.container.add(place.name, value);
    if (place.container.left > 0) return undefined;
    open.pop();
    value = contentOf(place.container, reader);
  }
  return value;
}

function contentOf(read: Value | Opened, reader: ValueReader): Value {
  if (!(read instanceof Opened)) return read;
  reader.leave();
  return read.container;
}
