/**
 * The handshake: six frames, after which both ends know who the other is and agree to talk.
 *
 *     dialer                                                  acceptor
 *       hello (versions, channel, nonce)            ─────▶
 *                                                   ◀─────      helloAnswer (versions, nonce)
 *       dialerProof (MAC)                           ─────▶      checks it
 *       checks it, judges                           ◀─────      acceptorIntroduction (introduction, MAC)
 *       dialerIntroduction (introduction,
 *         whom it calls, its verdict, MAC)          ─────▶      checks it, judges
 *                                                   ◀─────      accept, or refuse (sentence)
 *
 * Each MAC is HMAC-SHA256 under the shared secret over a label that names the role and the step, and over all
 * bytes of the handshake so far: a proof fits one connection, one role, one step, so that replaying or reflecting
 * it proves nothing. Before the other side's proof is checked, only versions, channel and nonce are said.
 * The classes are pure: frames in, steps out; nonces are given, nothing is sent, timed or judged here.
 */
import type { NodeId } from "../core/index.js";
import type { NodeIntroduction } from "../ports/index.js";
import { FieldReader } from "./field-reader.js";
import { encodeFrame, type Frame, FrameError, FrameType, frameOf, packBody, unpackBody } from "./frame.js";
import type { Call } from "./judge.js";
import { MAC_BYTES, Transcript } from "./transcript.js";

export const NONCE_BYTES = 32;
export const SECRET_BYTES_MIN = 16;
/** Keeps every handshake frame below its cap, whatever alphabet a sentence is written in. */
const SENTENCE_CHARS_MAX = 500;

/**
 * `control` carries Raft messages one way, dialer to acceptor; `bulk` carries requests and their answers; the
 * spare ones carry copies of what `control` should have delivered by now.
 */
export type Channel = "control" | "bulk" | "firstSpare" | "secondSpare";

export const spareChannels = ["firstSpare", "secondSpare"] as const;

export interface VersionRange {
  readonly lowest: number;
  readonly highest: number;
}

export interface HandshakeParty {
  readonly versions: VersionRange;
  readonly secret: Uint8Array;
  /** `NONCE_BYTES` fresh random bytes. */
  readonly nonce: Uint8Array;
  introduction(): NodeIntroduction;
  /** Null: welcome; else the sentence to refuse with. */
  judge(other: NodeIntroduction, call: Call, channel: Channel): string | null;
}

export type HandshakeStep =
  | { readonly kind: "continue"; readonly reply: Frame }
  | {
      readonly kind: "established";
      readonly reply: Frame | null;
      readonly peer: NodeIntroduction;
      readonly channel: Channel;
      readonly version: number;
    }
  | {
      readonly kind: "refused";
      /** To be sent before closing. */
      readonly reply: Frame | null;
      readonly by: "us" | "them";
      /** Null while the other side has not proved who it is. */
      readonly peer: NodeId | null;
      readonly reason: string;
    };

/** Channels on the wire: append, never renumber. */
const channels: readonly Channel[] = ["control", "bulk", ...spareChannels];

export class DialerHandshake {
  readonly #party: HandshakeParty;
  readonly #channel: Channel;
  readonly #intended: NodeId;
  readonly #transcript: Transcript;
  readonly hello: Frame;
  #await: "helloAnswer" | "acceptorIntroduction" | "verdict" = "helloAnswer";
  #version = 0;
  #peer: NodeIntroduction | null = null;

  constructor(party: HandshakeParty, channel: Channel, intended: NodeId) {
    this.#party = party;
    this.#channel = channel;
    this.#intended = intended;
    const { lowest, highest } = party.versions;
    const body = packBody([lowest, highest, channels.indexOf(channel), party.nonce]);
    this.#transcript = new Transcript(party.secret, body);
    this.hello = frameOf(FrameType.hello, body);
  }

  /** Throws `FrameError` on bytes that no version of this protocol sends. */
  receive(type: number, body: Uint8Array): HandshakeStep {
    if (type === FrameType.refuse) return refusedByThem(body, this.#peer?.nodeId ?? null);
    switch (this.#await) {
      case "helloAnswer":
        expectFrame(type, FrameType.helloAnswer);
        return this.#prove(body);
      case "acceptorIntroduction":
        expectFrame(type, FrameType.acceptorIntroduction);
        return this.#introduce(body);
      case "verdict":
        expectFrame(type, FrameType.accept);
        return this.#finish();
    }
  }

  #prove(body: Uint8Array): HandshakeStep {
    const fields = new FieldReader("helloAnswer", unpackBody(body));
    const theirs = readVersions(fields);
    fields.bytes("nonce", NONCE_BYTES);
    const version = commonVersion(this.#party.versions, theirs);
    if (version === null) return refuse(versionMismatch(this.#party.versions, theirs), null);
    this.#version = version;
    this.#transcript.add(body);
    this.#await = "acceptorIntroduction";
    const reply = encodeFrame(FrameType.dialerProof, [this.#transcript.mac("dialer proof")]);
    return { kind: "continue", reply };
  }

  #introduce(body: Uint8Array): HandshakeStep {
    const fields = new FieldReader("acceptorIntroduction", unpackBody(body));
    const packed = fields.bytes("introduction");
    this.#transcript.add(packed);
    if (!this.#transcript.proves("acceptor introduction", fields.bytes("mac", MAC_BYTES))) {
      return refuse(SECRET_MISMATCH, null);
    }
    const peer = readIntroduction(new FieldReader("introduction", unpackBody(packed)));
    const call = { intended: this.#intended, reached: peer.nodeId };
    const verdict = this.#party.judge(peer, call, this.#channel);
    const own = packBody([
      ...introductionFields(this.#party.introduction()),
      this.#intended,
      verdict === null ? null : sentence(verdict),
    ]);
    this.#transcript.add(own);
    const mac = this.#transcript.mac("dialer introduction");
    const reply = encodeFrame(FrameType.dialerIntroduction, [own, mac]);
    if (verdict !== null) return { kind: "refused", reply, by: "us", peer: peer.nodeId, reason: verdict };
    this.#peer = peer;
    this.#await = "verdict";
    return { kind: "continue", reply };
  }

  #finish(): HandshakeStep {
    if (this.#peer === null) throw new FrameError("accept before an introduction");
    return {
      kind: "established",
      reply: null,
      peer: this.#peer,
      channel: this.#channel,
      version: this.#version,
    };
  }
}

export class AcceptorHandshake {
  readonly #party: HandshakeParty;
  #transcript: Transcript;
  #await: "hello" | "dialerProof" | "dialerIntroduction" = "hello";
  #version = 0;
  #channel: Channel = "control";

  constructor(party: HandshakeParty) {
    this.#party = party;
    this.#transcript = new Transcript(party.secret, new Uint8Array());
  }

  /** Throws `FrameError` on bytes that no version of this protocol sends. */
  receive(type: number, body: Uint8Array): HandshakeStep {
    if (type === FrameType.refuse && this.#await !== "hello") return refusedByThem(body, null);
    switch (this.#await) {
      case "hello":
        expectFrame(type, FrameType.hello);
        return this.#answer(body);
      case "dialerProof":
        expectFrame(type, FrameType.dialerProof);
        return this.#introduce(body);
      case "dialerIntroduction":
        expectFrame(type, FrameType.dialerIntroduction);
        return this.#decide(body);
    }
  }

  #answer(body: Uint8Array): HandshakeStep {
    const fields = new FieldReader("hello", unpackBody(body));
    const theirs = readVersions(fields);
    const version = commonVersion(this.#party.versions, theirs);
    if (version === null) return refuse(versionMismatch(this.#party.versions, theirs), null);
    const channel = channels[fields.integer("channel")];
    if (channel === undefined)
      throw new FrameError("hello.channel: expected 0 (control), 1 (bulk), 2 or 3 (spare)");
    fields.bytes("nonce", NONCE_BYTES);
    const { lowest, highest } = this.#party.versions;
    const own = packBody([lowest, highest, this.#party.nonce]);
    this.#version = version;
    this.#channel = channel;
    this.#transcript = new Transcript(this.#party.secret, body);
    this.#transcript.add(own);
    this.#await = "dialerProof";
    return { kind: "continue", reply: frameOf(FrameType.helloAnswer, own) };
  }

  #introduce(body: Uint8Array): HandshakeStep {
    const mac = new FieldReader("dialerProof", unpackBody(body)).bytes("mac", MAC_BYTES);
    if (!this.#transcript.proves("dialer proof", mac)) return refuse(SECRET_MISMATCH, null);
    const own = packBody(introductionFields(this.#party.introduction()));
    this.#transcript.add(own);
    this.#await = "dialerIntroduction";
    const ownMac = this.#transcript.mac("acceptor introduction");
    return { kind: "continue", reply: encodeFrame(FrameType.acceptorIntroduction, [own, ownMac]) };
  }

  #decide(body: Uint8Array): HandshakeStep {
    const fields = new FieldReader("dialerIntroduction", unpackBody(body));
    const packed = fields.bytes("introduction");
    this.#transcript.add(packed);
    if (!this.#transcript.proves("dialer introduction", fields.bytes("mac", MAC_BYTES))) {
      return refuse(SECRET_MISMATCH, null);
    }
    const introduced = new FieldReader("introduction", unpackBody(packed));
    const peer = readIntroduction(introduced);
    const intended = introduced.text("intended");
    const theirVerdict = introduced.textOrNull("verdict", SENTENCE_CHARS_MAX);
    if (theirVerdict !== null) {
      const reason = printable(theirVerdict);
      return { kind: "refused", reply: null, by: "them", peer: peer.nodeId, reason };
    }
    const call = { intended, reached: this.#party.introduction().nodeId };
    const verdict = this.#party.judge(peer, call, this.#channel);
    if (verdict !== null) return refuse(verdict, peer.nodeId);
    const reply = encodeFrame(FrameType.accept, []);
    return { kind: "established", reply, peer, channel: this.#channel, version: this.#version };
  }
}

export const SECRET_MISMATCH =
  "the peer secrets differ: every node of a cluster needs the same peer.secret (or peer.secretFile)";

function versionMismatch(ours: VersionRange, theirs: VersionRange): string {
  return `no common protocol version: one side speaks ${range(ours)}, the other ${range(theirs)}; run the same release on every node`;
}

function range({ lowest, highest }: VersionRange): string {
  return lowest === highest ? `version ${lowest}` : `versions ${lowest} to ${highest}`;
}

function commonVersion(ours: VersionRange, theirs: VersionRange): number | null {
  const highest = Math.min(ours.highest, theirs.highest);
  return highest >= Math.max(ours.lowest, theirs.lowest) ? highest : null;
}

function readVersions(fields: FieldReader): VersionRange {
  const lowest = fields.integer("lowest", 1);
  return { lowest, highest: fields.integer("highest", lowest) };
}

function introductionFields(own: NodeIntroduction): readonly unknown[] {
  const { clusterName, nodeId, incarnation, clusterId, memberListDigest, membershipIndex } = own;
  const { peer, http, retires } = own;
  return [
    clusterName,
    nodeId,
    incarnation,
    clusterId,
    memberListDigest,
    membershipIndex,
    peer,
    http,
    retires,
  ];
}

function readIntroduction(fields: FieldReader): NodeIntroduction {
  return {
    clusterName: fields.text("clusterName"),
    nodeId: fields.text("nodeId"),
    incarnation: fields.text("incarnation"),
    clusterId: fields.textOrNull("clusterId"),
    memberListDigest: fields.text("memberListDigest"),
    membershipIndex: fields.integer("membershipIndex"),
    peer: printable(fields.text("peer")),
    http: printable(fields.text("http")),
    retires: fields.textOrNull("retires"),
  };
}

function refuse(reason: string, peer: NodeId | null): HandshakeStep {
  return { kind: "refused", reply: refusalFrame(reason), by: "us", peer, reason };
}

export function refusalFrame(reason: string): Frame {
  return encodeFrame(FrameType.refuse, [sentence(reason)]);
}

function refusedByThem(body: Uint8Array, peer: NodeId | null): HandshakeStep {
  const reason = printable(new FieldReader("refuse", unpackBody(body)).text("reason", SENTENCE_CHARS_MAX));
  return { kind: "refused", reply: null, by: "them", peer, reason };
}

function sentence(text: string): string {
  return text.length <= SENTENCE_CHARS_MAX ? text : `${text.slice(0, SENTENCE_CHARS_MAX - 1)}…`;
}

/** Another node's words end up in our log: no line breaks, no terminal codes. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "\u{fffd}");
}

function expectFrame(type: number, expected: FrameType): void {
  if (type !== expected) throw new FrameError(`handshake: expected frame type ${expected}, got ${type}`);
}
