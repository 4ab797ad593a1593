/**
 * Peer messages ↔ frames. `from` and `to` do not travel: they are the two ends of the connection, which the
 * handshake proved. Entry indexes do not travel either: entries follow `prevIndex` without a gap. What is
 * not sent cannot be forged or contradict itself.
 */
import {
  type AppendEntries,
  decodeMembership,
  type Entry,
  EntryType,
  encodeMembership,
  type Membership,
  type MessageType,
  type NodeId,
} from "../core/index.js";
import type { BirthMessage, PeerMessage } from "../ports/index.js";
import { FieldReader } from "./field-reader.js";
import { encodeFrame, type Frame, FrameError, FrameType, unpackBody } from "./frame.js";

/** Guards a reader's memory; far above what one AppendEntries carries (its payload bytes are bounded). */
const ENTRIES_MAX = 1 << 18;

type Envelope = { readonly from: NodeId; readonly to: NodeId };
type Named<Name extends PeerMessage["type"]> = Extract<PeerMessage, { readonly type: Name }>;

interface Codec<M extends PeerMessage> {
  readonly frame: FrameType;
  /** Positions of the body, in wire order. */
  write(message: M): readonly unknown[];
  read(fields: FieldReader, ends: Envelope): M;
}

const codecs: { readonly [Name in MessageType | BirthMessage["type"]]: Codec<Named<Name>> } = {
  preVoteRequest: {
    frame: FrameType.preVoteRequest,
    write: (m) => [m.term, m.lastIndex, m.lastTerm],
    read: (f, ends) => ({
      type: "preVoteRequest",
      ...ends,
      term: f.integer("term"),
      lastIndex: f.integer("lastIndex"),
      lastTerm: f.integer("lastTerm"),
    }),
  },
  preVoteResponse: {
    frame: FrameType.preVoteResponse,
    write: (m) => [m.term, m.campaignTerm, m.granted],
    read: (f, ends) => ({
      type: "preVoteResponse",
      ...ends,
      term: f.integer("term"),
      campaignTerm: f.integer("campaignTerm"),
      granted: f.boolean("granted"),
    }),
  },
  requestVote: {
    frame: FrameType.requestVote,
    write: (m) => [m.term, m.lastIndex, m.lastTerm, m.transfer],
    read: (f, ends) => ({
      type: "requestVote",
      ...ends,
      term: f.integer("term"),
      lastIndex: f.integer("lastIndex"),
      lastTerm: f.integer("lastTerm"),
      transfer: f.boolean("transfer"),
    }),
  },
  requestVoteResponse: {
    frame: FrameType.requestVoteResponse,
    write: (m) => [m.term, m.granted],
    read: (f, ends) => ({
      type: "requestVoteResponse",
      ...ends,
      term: f.integer("term"),
      granted: f.boolean("granted"),
    }),
  },
  appendEntries: {
    frame: FrameType.appendEntries,
    write: (m) => [
      m.term,
      m.prevIndex,
      m.prevTerm,
      m.commit,
      m.entries.map((entry) => [entry.term, entry.type, entry.data]),
      m.silent === true,
    ],
    read: (f, ends) => {
      const term = f.integer("term");
      const prevIndex = f.integer("prevIndex");
      const prevTerm = f.integer("prevTerm");
      const commit = f.integer("commit");
      const entries = readEntries(f, prevIndex, prevTerm, term);
      const message = { type: "appendEntries", ...ends, term, prevIndex, prevTerm, entries, commit } as const;
      return f.boolean("silent") ? { ...message, silent: true } : message;
    },
  },
  appendEntriesAccepted: {
    frame: FrameType.appendEntriesAccepted,
    write: (m) => [m.term, m.match],
    read: (f, ends) => ({
      type: "appendEntriesAccepted",
      ...ends,
      term: f.integer("term"),
      match: f.integer("match"),
    }),
  },
  appendEntriesRejected: {
    frame: FrameType.appendEntriesRejected,
    write: (m) => [m.term, m.prevIndex, m.hintIndex, m.hintTerm],
    read: (f, ends) => ({
      type: "appendEntriesRejected",
      ...ends,
      term: f.integer("term"),
      prevIndex: f.integer("prevIndex"),
      hintIndex: f.integer("hintIndex"),
      hintTerm: f.integer("hintTerm"),
    }),
  },
  heartbeat: {
    frame: FrameType.heartbeat,
    write: (m) => [m.term, m.commit, m.round, m.match],
    read: (f, ends) => ({
      type: "heartbeat",
      ...ends,
      term: f.integer("term"),
      commit: f.integer("commit"),
      round: f.integer("round"),
      match: f.integer("match"),
    }),
  },
  heartbeatResponse: {
    frame: FrameType.heartbeatResponse,
    write: (m) => [m.term, m.round, m.appliedDurable],
    read: (f, ends) => ({
      type: "heartbeatResponse",
      ...ends,
      term: f.integer("term"),
      round: f.integer("round"),
      appliedDurable: f.integer("appliedDurable"),
    }),
  },
  installSnapshot: {
    frame: FrameType.installSnapshot,
    write: (m) => [m.term, m.lastIncludedIndex, m.lastIncludedTerm],
    read: (f, ends) => ({
      type: "installSnapshot",
      ...ends,
      term: f.integer("term"),
      lastIncludedIndex: f.integer("lastIncludedIndex"),
      lastIncludedTerm: f.integer("lastIncludedTerm"),
    }),
  },
  timeoutNow: {
    frame: FrameType.timeoutNow,
    write: (m) => [m.term],
    read: (f, ends) => ({ type: "timeoutNow", ...ends, term: f.integer("term") }),
  },
  readIndexRequest: {
    frame: FrameType.readIndexRequest,
    write: (m) => [m.term, m.context],
    read: (f, ends) => ({
      type: "readIndexRequest",
      ...ends,
      term: f.integer("term"),
      context: f.integer("context"),
    }),
  },
  readIndexResponse: {
    frame: FrameType.readIndexResponse,
    write: (m) => [m.term, m.context, m.index],
    read: (f, ends) => ({
      type: "readIndexResponse",
      ...ends,
      term: f.integer("term"),
      context: f.integer("context"),
      index: f.integerOrNull("index"),
    }),
  },
  birth: {
    frame: FrameType.birth,
    // The very bytes of log entry 1, so that there is one encoding of a membership and one judge of it.
    write: (m) => [encodeMembership(m.membership), m.index],
    read: (f, ends) => {
      const membership = readMembership(f.bytes("membership"));
      return { type: "birth", ...ends, index: f.integer("index", 1), membership };
    },
  },
};

const codecByFrame: ReadonlyMap<number, Codec<PeerMessage>> = new Map(
  Object.values(codecs).map((codec) => [codec.frame, codec as Codec<PeerMessage>]),
);

export function encodeMessage(message: PeerMessage): Frame {
  if (message.type === "appendEntries") return encodeAppend(message);
  const codec = codecs[message.type] as Codec<PeerMessage>;
  return encodeFrame(codec.frame, codec.write(message), payloadBytes(message));
}

/** What was encoded last: a leader mostly sends one AppendEntries to every follower, and encodes it once. */
let newest: { readonly message: AppendEntries; readonly frame: Frame } | null = null;

function encodeAppend(message: AppendEntries): Frame {
  if (newest === null || !readsAlike(newest.message, message)) {
    const { frame, write } = codecs.appendEntries;
    newest = { message, frame: encodeFrame(frame, write(message), payloadBytes(message)) };
  }
  return newest.frame;
}

/** Who sends it and to whom does not travel. */
function readsAlike(a: AppendEntries, b: AppendEntries): boolean {
  return (
    a.term === b.term &&
    a.prevIndex === b.prevIndex &&
    a.prevTerm === b.prevTerm &&
    a.commit === b.commit &&
    a.silent === b.silent &&
    a.entries.length === b.entries.length &&
    a.entries.every((entry, at) => entry === b.entries[at])
  );
}

/** A lower bound of the encoded size, found without encoding. */
export function payloadBytes(message: PeerMessage): number {
  if (message.type !== "appendEntries") return 0;
  let bytes = 0;
  for (const entry of message.entries) bytes += entry.data.length;
  return bytes;
}

/** Entry data are views of `body`: no copy. Throws `FrameError` naming the message, the field and what was expected. */
export function decodeMessage(type: number, body: Uint8Array, from: NodeId, to: NodeId): PeerMessage {
  const codec = codecByFrame.get(type);
  if (codec === undefined) throw new FrameError(`frame type ${type} is not a peer message`);
  const name = messageNames.get(type) ?? String(type);
  return codec.read(new FieldReader(name, unpackBody(body)), { from, to });
}

const messageNames: ReadonlyMap<number, string> = new Map(
  Object.entries(codecs).map(([name, codec]) => [codec.frame, name]),
);

function readEntries(f: FieldReader, prevIndex: number, prevTerm: number, term: number): Entry[] {
  let index = prevIndex;
  let atLeast = Math.max(1, prevTerm);
  return f.list("entries", ENTRIES_MAX, (item) => {
    index += 1;
    if (!Number.isSafeInteger(index)) throw f.error("entries", "indexes below 2^53", index);
    const entryTerm = item.integer("term", atLeast);
    // Terms never fall along a log, and none is ahead of the leader's own (paper, figure 3).
    if (entryTerm > term) throw f.error("entries", `terms of at most ${term}`, entryTerm);
    atLeast = entryTerm;
    return { index, term: entryTerm, type: readEntryType(item), data: item.bytes("data") };
  });
}

function readEntryType(item: FieldReader): EntryType {
  const type = item.integer("type");
  if (isEntryType(type)) return type;
  throw item.error("type", "a known entry type", type);
}

const entryTypes: ReadonlySet<number> = new Set(Object.values(EntryType));

function isEntryType(type: number): type is EntryType {
  return entryTypes.has(type);
}

function readMembership(bytes: Uint8Array): Membership {
  try {
    return decodeMembership(bytes);
  } catch (cause) {
    throw new FrameError(`birth.membership: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
