/**
 * Looks at a msgpack body before it is unpacked. msgpackr trusts the counts it reads (an array that claims
 * 2^25 elements is allocated before the first one is missed) and knows extensions and maps that we never
 * send. One linear pass without allocation rules all of that out: what remains is one array of nil, booleans,
 * numbers, strings, byte strings and arrays, complete, with nothing behind it.
 * Source of the codes: the msgpack specification, github.com/msgpack/msgpack/blob/master/spec.md.
 */

const DEPTH_MAX = 8;
const VALUES_MAX = 1 << 20;

/** Null when the body may be unpacked, else what is wrong with it. */
export function checkBody(body: Uint8Array): string | null {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const end = body.length;
  /** Values still owed by each array that is open. */
  const owed: number[] = [1];
  let at = 0;
  let values = 0;

  while (owed.length > 0) {
    const left = owed.pop() ?? 0;
    if (left === 0) continue;
    owed.push(left - 1);

    if (at >= end) return `body of ${end} bytes ends too early`;
    if (++values > VALUES_MAX) return `body of more than ${VALUES_MAX} values`;
    const code = view.getUint8(at);
    if (values === 1 && !isArray(code)) return "body: expected one msgpack array";
    at += 1;

    const widthOfLength = lengthWidth(code);
    if (widthOfLength === null) return `body: msgpack code 0x${code.toString(16)} is not used here`;
    if (at + widthOfLength > end) return `body of ${end} bytes ends too early`;
    const length = widthOfLength === 0 ? inlineLength(code) : readLength(view, at, widthOfLength);
    at += widthOfLength;
    // An element has at least one byte, so the same comparison bounds arrays and strings.
    if (length > end - at) return `body of ${end} bytes claims ${length} more at ${at}`;
    if (!isArray(code)) at += length;
    else if (owed.length >= DEPTH_MAX) return `body nested deeper than ${DEPTH_MAX}`;
    else owed.push(length);
  }
  return at === end ? null : `body with ${end - at} bytes behind its array`;
}

function isArray(code: number): boolean {
  return (code >= 0x90 && code <= 0x9f) || code === 0xdc || code === 0xdd;
}

/** Bytes of the length that follows the code; 0 = the code says it all; null = a code that is refused. */
function lengthWidth(code: number): 0 | 1 | 2 | 4 | null {
  if (code <= 0x7f || code >= 0xe0) return 0; // small integers
  if (code <= 0x8f) return null; // maps
  if (code <= 0xc0) return 0; // small arrays, small strings, nil
  switch (code) {
    case 0xc4: // bytes
    case 0xd9: // string
      return 1;
    case 0xc5:
    case 0xda:
    case 0xdc: // array
      return 2;
    case 0xc6:
    case 0xdb:
    case 0xdd:
      return 4;
    default:
      return isBooleanOrNumber(code) ? 0 : null;
  }
}

function isBooleanOrNumber(code: number): boolean {
  return code === 0xc2 || code === 0xc3 || (code >= 0xca && code <= 0xd3);
}

/** Elements (arrays) or bytes (all else) that follow a code without a length of its own. */
function inlineLength(code: number): number {
  if (code >= 0x90 && code <= 0x9f) return code & 0x0f;
  if (code >= 0xa0 && code <= 0xbf) return code & 0x1f;
  switch (code) {
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return 1;
    case 0xcd:
    case 0xd1:
      return 2;
    case 0xca: // float 32
    case 0xce:
    case 0xd2:
      return 4;
    case 0xcb: // float 64
    case 0xcf:
    case 0xd3:
      return 8;
    default:
      return 0;
  }
}

function readLength(view: DataView, at: number, width: 1 | 2 | 4): number {
  if (width === 1) return view.getUint8(at);
  return width === 2 ? view.getUint16(at) : view.getUint32(at);
}
