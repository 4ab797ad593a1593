/** Peers' bytes are hostile: whatever arrives is a sound message or a `FrameError`, and nothing else. */
import {
  AcceptorHandshake,
  DialerHandshake,
  decodeMessage,
  encodeFrame,
  FrameError,
  FrameType,
  type HandshakeParty,
  NONCE_BYTES,
} from "@quorate/raft/tcp";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodiesOf, encoded, ends, expectSound, message, orFrameError } from "./wire-messages.js";

describe("frames under fuzz", () => {
  it("messages survive the wire, however the chunks fall", () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat({ max: 200 }), { maxLength: 30 }),
        (messages, chunks) => {
          const decoded = bodiesOf(encoded(messages), chunks).map(({ type, body }) =>
            decodeMessage(type, body, ends.from, ends.to),
          );
          expect(decoded).toEqual(messages);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("changed bytes make a sound message or a FrameError", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(message, changes, (original, edits) => {
        const [only] = bodiesOf(encoded([original]));
        if (only === undefined) throw new Error("no frame");
        const body = only.body.slice();
        for (const [at, value] of edits) body[at % body.length] = value;
        const decoded = orFrameError(() => decodeMessage(only.type, body, ends.from, ends.to));
        if (decoded !== null) expectSound(decoded);
      }),
      { numRuns: 3000 },
    );
  });

  it("any bytes make a sound message or a FrameError", () => {
    fc.assert(
      fc.property(fc.nat({ max: 60 }), fc.uint8Array({ maxLength: 200 }), (type, body) => {
        const decoded = orFrameError(() => decodeMessage(type, body, ends.from, ends.to));
        if (decoded !== null) expectSound(decoded);
      }),
      { numRuns: 3000 },
    );
  });

  it("any values in the right places make a sound message or a FrameError", () => {
    const value = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.constantFrom(-0, 2 ** 53, 1e300, Number.NaN, null, true, "", "x"),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc.uint8Array({ maxLength: 5 }),
      fc.array(
        fc.array(fc.oneof(fc.nat({ max: 3 }), fc.uint8Array({ maxLength: 3 }), fc.constant(null)), {
          maxLength: 4,
        }),
        { maxLength: 4 },
      ),
    );
    fc.assert(
      fc.property(fc.integer({ min: 16, max: 28 }), fc.array(value, { maxLength: 6 }), (type, fields) => {
        const [only] = bodiesOf(Buffer.concat(encodeFrame(type as FrameType, fields).parts));
        if (only === undefined) throw new Error("no frame");
        const decoded = orFrameError(() => decodeMessage(type, only.body, ends.from, ends.to));
        if (decoded !== null) expectSound(decoded);
      }),
      { numRuns: 5000 },
    );
  });

  it("ignores positions that a newer version appended", () => {
    const [only] = bodiesOf(Buffer.concat(encodeFrame(FrameType.timeoutNow, [4, "newer", [1]]).parts));
    expect(decodeMessage(FrameType.timeoutNow, only?.body ?? new Uint8Array(), "n1", "n2")).toEqual({
      ...ends,
      type: "timeoutNow",
      term: 4,
    });
  });

  it.each([
    [
      "an index of 2^53",
      FrameType.appendEntriesAccepted,
      [1, 2 ** 53],
      /appendEntriesAccepted\.match: expected a safe integer of at least 0, got 9007199254740992/,
    ],
    ["a negative term", FrameType.timeoutNow, [-1], /timeoutNow\.term/],
    ["a fraction", FrameType.timeoutNow, [0.5], /timeoutNow\.term/],
    ["a missing position", FrameType.heartbeat, [1, 2], /heartbeat\.round: .* got nothing/],
    [
      "an unknown entry type",
      FrameType.appendEntries,
      [1, 0, 0, 0, [[1, 9, new Uint8Array()]]],
      /entries\.type: expected a known entry type, got 9/,
    ],
    [
      "an entry ahead of its leader",
      FrameType.appendEntries,
      [1, 0, 0, 0, [[2, 0, new Uint8Array()]]],
      /terms of at most 1, got 2/,
    ],
    [
      "terms that fall",
      FrameType.appendEntries,
      [9, 5, 4, 0, [[3, 0, new Uint8Array()]]],
      /at least 4, got 3/,
    ],
    [
      "entries past 2^53",
      FrameType.appendEntries,
      [1, 2 ** 53 - 1, 1, 0, [[1, 0, new Uint8Array()]]],
      /below 2\^53/,
    ],
    [
      "data that are no bytes",
      FrameType.appendEntries,
      [1, 0, 0, 0, [[1, 0, "text"]]],
      /entries\.data: expected bytes/,
    ],
    ["a birth without a membership", FrameType.birth, [new Uint8Array([123])], /birth\.membership: .*JSON/],
    ["a frame that is no message", FrameType.accept, [], /frame type 6 is not a peer message/],
  ] as const)("names the fault in %s", (_, type, fields, error) => {
    const [only] = bodiesOf(Buffer.concat(encodeFrame(type, fields).parts));
    const decode = () => decodeMessage(type, only?.body ?? new Uint8Array(), "n1", "n2");
    expect(decode).toThrow(FrameError);
    expect(decode).toThrow(error);
  });

  it("a handshake fed with anything refuses or throws FrameError", () => {
    const party: HandshakeParty = {
      versions: { lowest: 3, highest: 3 },
      secret: new Uint8Array(32),
      nonce: new Uint8Array(NONCE_BYTES),
      introduction: () => {
        throw new Error("introduced itself to somebody without the secret");
      },
      judge: () => null,
    };
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 8 }), fc.uint8Array({ maxLength: 120 })), { maxLength: 4 }),
        fc.boolean(),
        (frames, dial) => {
          const side = dial ? new DialerHandshake(party, "control", "n2") : new AcceptorHandshake(party);
          for (const [type, body] of frames) {
            const step = orFrameError(() => side.receive(type, body));
            if (step === null) return;
            expect(step.kind).not.toBe("established");
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
