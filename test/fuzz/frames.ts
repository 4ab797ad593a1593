/** Bytes between peers: frames, messages and handshakes give a sound message or a `FrameError`, nothing else. */
import type { PeerMessage } from "@quorate/raft";
import {
  AcceptorHandshake,
  DialerHandshake,
  decodeMessage,
  type HandshakeParty,
  NONCE_BYTES,
} from "@quorate/raft/tcp";
import fc from "fast-check";
import { bodiesOf, encoded, ends, expectSound, message, orFrameError } from "../contracts/wire-messages.js";
import type { Target } from "./search.js";

interface Stream {
  readonly messages: readonly PeerMessage[];
  readonly edits: readonly (readonly [at: number, byte: number])[];
  /** How many bytes to leave out at the end. */
  readonly cut: number;
  readonly chunks: readonly number[];
}

type Case =
  | { readonly kind: "stream"; readonly stream: Stream }
  | { readonly kind: "bytes"; readonly type: number; readonly body: Uint8Array }
  | {
      readonly kind: "handshake";
      readonly frames: readonly (readonly [type: number, body: Uint8Array])[];
      readonly dial: boolean;
    };

const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 });
const chunks = fc.array(fc.nat({ max: 100 }), { maxLength: 10 });
const body = fc.uint8Array({ maxLength: 200 });

const cases: fc.Arbitrary<Case> = fc.oneof(
  fc.record({
    kind: fc.constant("stream" as const),
    stream: fc.record({
      messages: fc.array(message, { minLength: 1, maxLength: 3 }),
      edits,
      cut: fc.nat({ max: 20 }),
      chunks,
    }),
  }),
  fc.record({ kind: fc.constant("bytes" as const), type: fc.nat({ max: 60 }), body }),
  fc.record({
    kind: fc.constant("handshake" as const),
    frames: fc.array(fc.tuple(fc.nat({ max: 8 }), body), { maxLength: 4 }),
    dial: fc.boolean(),
  }),
);

const party: HandshakeParty = {
  versions: { lowest: 1, highest: 1 },
  secret: new Uint8Array(32),
  nonce: new Uint8Array(NONCE_BYTES),
  introduction: () => {
    throw new Error("introduced itself to somebody without the secret");
  },
  judge: () => null,
};

export class FramesTarget implements Target<Case> {
  readonly name = "frames";
  readonly cases = cases;

  check(input: Case): void {
    if (input.kind === "bytes") readMessage(input.type, input.body);
    else if (input.kind === "stream") readStream(input.stream);
    else shakeHands(input.frames, input.dial);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It holds nothing.
  }
}

function readMessage(type: number, bytes: Uint8Array): void {
  const decoded = orFrameError(() => decodeMessage(type, bytes, ends.from, ends.to));
  if (decoded !== null) expectSound(decoded);
}

function readStream({ messages, edits: changes, cut, chunks: sizes }: Stream): void {
  const whole = encoded(messages);
  const bytes = whole.subarray(0, whole.length - (cut % whole.length));
  for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
  const bodies = orFrameError(() => bodiesOf(bytes, sizes));
  for (const frame of bodies ?? []) readMessage(frame.type, frame.body);
}

function shakeHands(frames: readonly (readonly [number, Uint8Array])[], dial: boolean): void {
  const side = dial ? new DialerHandshake(party, "control", "n2") : new AcceptorHandshake(party);
  for (const [type, bytes] of frames) {
    const step = orFrameError(() => side.receive(type, bytes));
    if (step === null) return;
    if (step.kind === "established") throw new Error("shook hands with a stranger");
  }
}
