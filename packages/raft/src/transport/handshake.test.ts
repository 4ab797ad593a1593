import { describe, expect, it } from "vitest";
import type { NodeIntroduction } from "../ports/index.js";
import { type Frame, FrameError, FrameReader, FrameType, HANDSHAKE_FRAME_BYTES_MAX } from "./frame.js";
import {
  AcceptorHandshake,
  DialerHandshake,
  type HandshakeParty,
  type HandshakeStep,
  NONCE_BYTES,
} from "./handshake.js";

const secret = new Uint8Array(Buffer.from("sixteen bytes or more"));

function introduce(nodeId: string): NodeIntroduction {
  return {
    clusterName: "prod",
    nodeId,
    incarnation: `${nodeId}-1`,
    clusterId: null,
    memberListDigest: "d",
    membershipIndex: 7,
    peer: `${nodeId}:9000`,
    http: `http://${nodeId}:8000`,
    retires: null,
  };
}

function party(nodeId: string, nonce: number, more: Partial<HandshakeParty> = {}): HandshakeParty {
  return {
    versions: { lowest: 1, highest: 1 },
    secret,
    nonce: new Uint8Array(NONCE_BYTES).fill(nonce),
    introduction: () => introduce(nodeId),
    judge: () => null,
    ...more,
  };
}

interface Seen {
  readonly type: number;
  readonly body: Uint8Array;
}

function parse(frame: Frame): Seen {
  const seen: Seen[] = [];
  const reader = new FrameReader(HANDSHAKE_FRAME_BYTES_MAX, (type, body) => seen.push({ type, body }));
  for (const part of frame.parts) reader.push(part);
  const [only] = seen;
  if (only === undefined) throw new Error("not one frame");
  return only;
}

function replyOf(step: HandshakeStep): Seen {
  if (step.reply === null) throw new Error(`no reply in ${JSON.stringify(step)}`);
  return parse(step.reply);
}

/** Lets two handshakes talk until neither has a reply; `wire` may change what passes. */
function run(dialer: DialerHandshake, acceptor: AcceptorHandshake, wire = (seen: Seen) => seen) {
  const steps = { dialer: null as HandshakeStep | null, acceptor: null as HandshakeStep | null };
  const frames: Seen[] = [];
  let next: Frame | null = dialer.hello;
  for (let turn = 0; next !== null; turn += 1) {
    const seen = wire(parse(next));
    frames.push(seen);
    const to = turn % 2 === 0 ? "acceptor" : "dialer";
    const step: HandshakeStep = (to === "acceptor" ? acceptor : dialer).receive(seen.type, seen.body);
    steps[to] = step;
    next = step.reply;
  }
  return { ...steps, frames };
}

describe("handshake", () => {
  it.each(["control", "bulk"] as const)("establishes a %s channel and names both ends", (channel) => {
    const { dialer, acceptor, frames } = run(
      new DialerHandshake(party("n1", 1), channel, "n2"),
      new AcceptorHandshake(party("n2", 2)),
    );
    expect(dialer).toMatchObject({ kind: "established", peer: introduce("n2"), channel, version: 1 });
    expect(acceptor).toMatchObject({ kind: "established", peer: introduce("n1"), channel, version: 1 });
    expect(frames.map(({ type }) => type)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("tells the judges whom was called and who was reached", () => {
    const calls: unknown[] = [];
    const judge: HandshakeParty["judge"] = (other, call) => {
      calls.push([other.nodeId, call]);
      return null;
    };
    run(
      new DialerHandshake(party("n1", 1, { judge }), "control", "n2"),
      new AcceptorHandshake(party("n3", 2, { judge })),
    );
    const call = { intended: "n2", reached: "n3" };
    expect(calls).toEqual([
      ["n3", call],
      ["n1", call],
    ]);
  });

  it("ends at the dialer's proof when the secrets differ, before either side has introduced itself", () => {
    const other = new Uint8Array(Buffer.from("another secret of that kind"));
    const { dialer, acceptor, frames } = run(
      new DialerHandshake(party("n1", 1, { secret: other }), "control", "n2"),
      new AcceptorHandshake(party("n2", 2)),
    );
    const reason = expect.stringContaining("peer secrets differ");
    expect(acceptor).toMatchObject({ kind: "refused", by: "us", peer: null, reason });
    expect(dialer).toMatchObject({ kind: "refused", by: "them", peer: null, reason });
    const said = Buffer.concat(frames.map(({ body }) => body)).toString("latin1");
    expect(said).not.toMatch(/n1|n2|prod/);
  });

  it("refuses versions that do not overlap, naming both ranges, before any proof", () => {
    const { dialer, acceptor, frames } = run(
      new DialerHandshake(party("n1", 1, { versions: { lowest: 2, highest: 3 } }), "control", "n2"),
      new AcceptorHandshake(party("n2", 2)),
    );
    for (const step of [dialer, acceptor]) {
      expect(step).toMatchObject({
        kind: "refused",
        reason: expect.stringMatching(/version 1, .*versions 2 to 3/),
      });
    }
    expect(frames.map(({ type }) => type)).toEqual([FrameType.hello, FrameType.refuse]);
  });

  it("agrees on the highest version that both speak", () => {
    const { dialer } = run(
      new DialerHandshake(party("n1", 1, { versions: { lowest: 1, highest: 3 } }), "control", "n2"),
      new AcceptorHandshake(party("n2", 2, { versions: { lowest: 2, highest: 5 } })),
    );
    expect(dialer).toMatchObject({ kind: "established", version: 3 });
  });

  it.each([
    ["dialer", "acceptor"],
    ["acceptor", "dialer"],
  ] as const)("carries the refusal of the %s to the other side, with the refuser's id", (refuser, other) => {
    const judge = () => "n2 is a stranger";
    const ids = { dialer: "n1", acceptor: "n2" };
    const steps = run(
      new DialerHandshake(party("n1", 1, refuser === "dialer" ? { judge } : {}), "control", "n2"),
      new AcceptorHandshake(party("n2", 2, refuser === "acceptor" ? { judge } : {})),
    );
    expect(steps[refuser]).toMatchObject({ kind: "refused", by: "us", peer: ids[other], reason: judge() });
    expect(steps[other]).toMatchObject({ kind: "refused", by: "them", peer: ids[refuser], reason: judge() });
  });

  it("keeps the longest refusal and the longest names inside a handshake frame", () => {
    const long = "€".repeat(128);
    const introduction = () => ({
      clusterName: long,
      nodeId: long,
      incarnation: long,
      clusterId: long,
      memberListDigest: long,
      membershipIndex: 0,
      peer: long,
      http: long,
      retires: long,
    });
    const judge = () => "€".repeat(5000);
    const { acceptor } = run(
      new DialerHandshake(party("n1", 1, { introduction, judge }), "control", long),
      new AcceptorHandshake(party("n2", 2, { introduction })),
    );
    expect(acceptor).toMatchObject({ kind: "refused", by: "them", peer: long });
  });

  it("takes control characters out of the other side's words", () => {
    const { dialer } = run(
      new DialerHandshake(party("n1", 1), "control", "n2"),
      new AcceptorHandshake(party("n2", 2, { judge: () => "line\nbreak \u001b[31mred" })),
    );
    expect(dialer).toMatchObject({ reason: "line\u{fffd}break \u{fffd}[31mred" });
  });

  describe("an attacker without the secret", () => {
    /** Any changed byte in any frame must end in a refusal or an error on one side, and never in two established ends. */
    it.each([0, 1, 2, 3, 4])("gains nothing by changing a byte of frame %i", (target) => {
      const { frames } = run(
        new DialerHandshake(party("n1", 1), "control", "n2"),
        new AcceptorHandshake(party("n2", 2)),
      );
      const length = frames[target]?.body.length ?? 0;
      for (let at = 0; at < length; at += 1) {
        let turn = -1;
        const wire = (seen: Seen): Seen => {
          turn += 1;
          if (turn !== target) return seen;
          const body = seen.body.slice();
          body[at] = (body[at] ?? 0) ^ 1;
          return { type: seen.type, body };
        };
        let established = false;
        try {
          const { acceptor } = run(
            new DialerHandshake(party("n1", 1), "control", "n2"),
            new AcceptorHandshake(party("n2", 2)),
            wire,
          );
          established = acceptor?.kind === "established";
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
        expect(established, `byte ${at} of frame ${target}`).toBe(false);
      }
    });

    it("cannot reflect a dialer's frames back at it", () => {
      const dialer = new DialerHandshake(party("n1", 1), "control", "n2");
      // The mirror claims the dialer's own nonce as its own and returns the dialer's own proof.
      const answer = parse(new DialerHandshake(party("n1", 1), "control", "n2").hello);
      expect(() => dialer.receive(answer.type, answer.body)).toThrow(FrameError);
      expect(() => dialer.receive(FrameType.helloAnswer, answer.body)).toThrow(FrameError);
    });

    it("cannot use an acceptor's proof as a dialer's, nor the other way round", () => {
      const victim = new AcceptorHandshake(party("n2", 2));
      const oracle = new AcceptorHandshake(party("n2", 2));
      const hello = parse(new DialerHandshake(party("n1", 1), "control", "n2").hello);
      victim.receive(hello.type, hello.body);
      oracle.receive(hello.type, hello.body);
      const dialer = new DialerHandshake(party("n1", 1), "control", "n2");
      const honest = new AcceptorHandshake(party("n2", 2));
      const proof = replyOf(
        dialer.receive(FrameType.helloAnswer, replyOf(honest.receive(hello.type, hello.body)).body),
      );
      const introduction = replyOf(oracle.receive(proof.type, proof.body));
      // A proof of the acceptor's role in the place of the dialer's second proof.
      replyOf(victim.receive(proof.type, proof.body));
      const step = victim.receive(FrameType.dialerIntroduction, introduction.body);
      expect(step).toMatchObject({ kind: "refused", peer: null });
    });

    it("cannot replay a recorded dialer against a new nonce", () => {
      const { frames } = run(
        new DialerHandshake(party("n1", 1), "control", "n2"),
        new AcceptorHandshake(party("n2", 2)),
      );
      const fresh = new AcceptorHandshake(party("n2", 3));
      const [hello, , proof] = frames;
      if (hello === undefined || proof === undefined) throw new Error("frames missing");
      fresh.receive(hello.type, hello.body);
      expect(fresh.receive(proof.type, proof.body)).toMatchObject({ kind: "refused", by: "us", peer: null });
    });

    it("cannot skip steps", () => {
      const acceptor = () => new AcceptorHandshake(party("n2", 2));
      for (const type of [
        FrameType.dialerProof,
        FrameType.dialerIntroduction,
        FrameType.accept,
        FrameType.heartbeat,
      ]) {
        expect(() => acceptor().receive(type, new Uint8Array([0x90]))).toThrow(FrameError);
      }
      const dialer = new DialerHandshake(party("n1", 1), "control", "n2");
      expect(() => dialer.receive(FrameType.accept, new Uint8Array([0x90]))).toThrow(FrameError);
    });
  });
});
