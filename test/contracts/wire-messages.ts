/** Any message between peers, and what may come of bytes that claim to be one. */
import type { PeerMessage } from "@quorate/raft";
import { type Entry, EntryType } from "@quorate/raft/core";
import { encodeMessage, FrameError, FrameReader } from "@quorate/raft/tcp";
import fc from "fast-check";
import { membershipOf } from "./transport-recorder.js";

const entryTypes: readonly number[] = Object.values(EntryType);

export const ends = { from: "n1", to: "n2" } as const;
const index = fc.maxSafeNat();
const term = fc.nat({ max: 2 ** 40 });
const smallIndex = fc.nat({ max: 2 ** 50 });

const appendEntries = fc
  .record({
    prevIndex: smallIndex,
    prevTerm: term,
    commit: index,
    steps: fc.array(
      fc.record({
        step: fc.nat({ max: 3 }),
        type: fc.constantFrom(...entryTypes),
        data: fc.uint8Array({ maxLength: 300 }),
      }),
      { maxLength: 20 },
    ),
    ahead: fc.nat({ max: 5 }),
  })
  .map(({ prevIndex, prevTerm, commit, steps, ahead }): PeerMessage => {
    let last = Math.max(1, prevTerm);
    const entries = steps.map(({ step, type, data }, i) => {
      last += step;
      return { index: prevIndex + 1 + i, term: last, type, data } as Entry;
    });
    return { ...ends, type: "appendEntries", term: last + ahead, prevIndex, prevTerm, commit, entries };
  });

export const message: fc.Arbitrary<PeerMessage> = fc.oneof(
  appendEntries,
  fc.record({ ...envelope("preVoteRequest"), lastIndex: index, lastTerm: term }),
  fc.record({ ...envelope("preVoteResponse"), campaignTerm: term, granted: fc.boolean() }),
  fc.record({ ...envelope("requestVote"), lastIndex: index, lastTerm: term, transfer: fc.boolean() }),
  fc.record({ ...envelope("requestVoteResponse"), granted: fc.boolean() }),
  fc.record({ ...envelope("appendEntriesAccepted"), match: index }),
  fc.record({ ...envelope("appendEntriesRejected"), prevIndex: index, hintIndex: index, hintTerm: term }),
  fc.record({ ...envelope("heartbeat"), commit: index, round: index, match: index }),
  fc.record({ ...envelope("heartbeatResponse"), round: index, appliedDurable: index }),
  fc.record({ ...envelope("installSnapshot"), lastIncludedIndex: index, lastIncludedTerm: term }),
  fc.record(envelope("timeoutNow")),
  fc.record({ ...envelope("readIndexRequest"), context: index }),
  fc.record({ ...envelope("readIndexResponse"), context: index, index: fc.option(index) }),
  fc.constant<PeerMessage>({
    ...ends,
    type: "birth",
    index: 1,
    membership: membershipOf({ n1: "a", n2: "b" }),
  }),
);

function envelope<Name extends string>(type: Name) {
  return { type: fc.constant(type), from: fc.constant(ends.from), to: fc.constant(ends.to), term } as const;
}

interface Body {
  readonly type: number;
  readonly body: Uint8Array;
}

export function bodiesOf(bytes: Uint8Array, chunkSizes: readonly number[] = []): Body[] {
  const bodies: Body[] = [];
  const reader = new FrameReader(1 << 20, (type, body) => bodies.push({ type, body }));
  let at = 0;
  for (const size of chunkSizes) {
    reader.push(bytes.subarray(at, at + size));
    at += size;
  }
  reader.push(bytes.subarray(at));
  return bodies;
}

export function encoded(messages: readonly PeerMessage[]): Buffer {
  return Buffer.concat(messages.flatMap((m) => encodeMessage(m).parts));
}

/** `decode` may return or throw `FrameError`; returns null in the latter case. */
export function orFrameError<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof FrameError) return null;
    throw error;
  }
}

/** @throws Error when a decoded message says something that no message can say */
export function expectSound(decoded: PeerMessage): void {
  for (const [name, value] of Object.entries(decoded)) {
    if (typeof value === "number") require(Number.isSafeInteger(value) && value >= 0, `${name} ${value}`);
  }
  if (decoded.type !== "appendEntries") return;
  let previous = { index: decoded.prevIndex, term: decoded.prevTerm };
  for (const entry of decoded.entries) {
    require(Number.isSafeInteger(entry.index) && entry.index === previous.index + 1, `index ${entry.index}`);
    require(entry.term >= previous.term && entry.term <= decoded.term, `term ${entry.term}`);
    require(entryTypes.includes(entry.type), `type ${entry.type}`);
    require(entry.data instanceof Uint8Array, "data that are no bytes");
    previous = entry;
  }
}

function require(holds: boolean, what: string): void {
  if (!holds) throw new Error(`an unsound message was accepted: ${what}`);
}
