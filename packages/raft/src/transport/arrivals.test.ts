import { describe, expect, it } from "vitest";
import { createRandom, randomInteger } from "../core/index.js";
import { Arrivals } from "./arrivals.js";
import { COPY_BYTES_MAX, decodeCopy, encodeCopy, encodeNumbering, KeptMessages } from "./copies.js";
import { encodeFrame, type Frame, FrameError, FrameType } from "./frame.js";

const HEADER_BYTES = 5;

function parts(frame: Frame): { readonly type: number; readonly body: Uint8Array } {
  const whole = Buffer.concat(frame.parts);
  return { type: whole.readUInt8(HEADER_BYTES - 1), body: new Uint8Array(whole.subarray(HEADER_BYTES)) };
}

/** A message that says its number, from 1 to 127: in msgpack the second byte of its body. */
const messageOf = (number: number) => encodeFrame(FrameType.timeoutNow, [number]);

function receiver() {
  const arrivals = new Arrivals();
  const handedOut: number[] = [];
  const handOut = (_: number, body: Uint8Array) => handedOut.push(body[1] ?? -1);
  return {
    handedOut,
    renewed: () => arrivals.renewed(),
    control: (frame: Frame) => {
      const { type, body } = parts(frame);
      arrivals.onControl(type, body, handOut);
    },
    spare: (frame: Frame) => {
      const { type, body } = parts(frame);
      arrivals.onSpare(type, body, handOut);
    },
  };
}

describe("what arrives on several connections", () => {
  it("is handed out once each, everything of the control connection included, however they are interleaved", () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = createRandom(seed);
      const { handedOut, control, spare } = receiver();
      const all = Array.from({ length: randomInteger(random, 1, 20) }, (_, at) => at + 1);
      const copied = () => all.filter(() => randomInteger(random, 0, 2) > 0);
      const copiesOf = (numbers: readonly number[]) =>
        numbers.map((number) => () => spare(encodeCopy(5, number, messageOf(number))));
      const lanes = [
        [() => control(encodeNumbering(5, 1)), ...all.map((number) => () => control(messageOf(number)))],
        copiesOf(copied()),
        copiesOf(copied()),
      ];
      while (lanes.some((lane) => lane.length > 0)) lanes[randomInteger(random, 0, 2)]?.shift()?.();
      expect([...handedOut].sort((a, b) => a - b)).toEqual(all);
    }
  });

  it("stays in the order of its own connection", () => {
    const { handedOut, control, spare } = receiver();
    control(encodeNumbering(5, 1));
    control(messageOf(1));
    for (const number of [3, 4]) spare(encodeCopy(5, number, messageOf(number)));
    for (const number of [2, 3, 4, 5]) control(messageOf(number));
    expect(handedOut).toEqual([1, 3, 4, 2, 5]);
  });

  it("of an earlier control connection is not handed out again on a later one", () => {
    const { handedOut, renewed, control, spare } = receiver();
    control(encodeNumbering(5, 1));
    for (const number of [1, 2, 3]) control(messageOf(number));
    renewed();
    for (const number of [2, 3, 4]) spare(encodeCopy(5, number, messageOf(number)));
    control(encodeNumbering(5, 5));
    for (const number of [3, 4]) spare(encodeCopy(5, number, messageOf(number)));
    control(messageOf(5));
    expect(handedOut).toEqual([1, 2, 3, 4, 5]);
  });

  it("of an earlier process of the peer is dropped; the numbers of the later one begin anew", () => {
    const { handedOut, renewed, control, spare } = receiver();
    control(encodeNumbering(5, 40));
    control(messageOf(40));
    renewed();
    control(encodeNumbering(6, 1));
    spare(encodeCopy(5, 41, messageOf(41)));
    spare(encodeCopy(6, 1, messageOf(1)));
    for (const number of [1, 2]) control(messageOf(number));
    expect(handedOut).toEqual([40, 1, 2]);
  });

  it("a number that was left out on the control connection is told", () => {
    const { handedOut, control, spare } = receiver();
    control(encodeNumbering(5, 1));
    control(messageOf(1));
    spare(encodeCopy(5, 2, messageOf(2)));
    control(encodeNumbering(5, 3));
    control(messageOf(3));
    spare(encodeCopy(5, 3, messageOf(3)));
    expect(handedOut).toEqual([1, 2, 3]);
  });

  it("remembers at most 1024 numbers; what it forgot is dropped, not handed out twice", () => {
    const { handedOut, control, spare } = receiver();
    control(encodeNumbering(5, 1));
    for (let number = 1; number <= 1100; number += 1) spare(encodeCopy(5, number, messageOf(1)));
    expect(handedOut).toHaveLength(1100);
    for (let number = 1; number <= 1100; number += 1) control(messageOf(1));
    expect(handedOut).toHaveLength(1100);
    control(messageOf(2));
    expect(handedOut.at(-1)).toBe(2);
  });

  it("without numbers is handed out as it comes", () => {
    const { handedOut, control } = receiver();
    for (const number of [1, 1, 2]) control(messageOf(number));
    expect(handedOut).toEqual([1, 1, 2]);
  });

  it.each([
    ["a message", messageOf(1), /frame type 25: expected a copy/],
    ["a copy without a number", encodeFrame(FrameType.copy, [5, 0, 25, new Uint8Array()]), /copy\.number/],
    ["a copy without bytes", encodeFrame(FrameType.copy, [5, 1, 25, "text"]), /copy\.body: expected bytes/],
    ["a copy of nothing", encodeFrame(FrameType.copy, []), /copy\.stream: .* got nothing/],
  ])("%s on a spare connection is named", (_, frame, error) => {
    const { spare } = receiver();
    expect(() => spare(frame)).toThrow(FrameError);
    expect(() => spare(frame)).toThrow(error);
  });
});

describe("what is kept", () => {
  const numbersOf = (kept: KeptMessages, depth: number) => {
    const numbers: number[] = [];
    kept.copyTo(depth, (number) => numbers.push(number));
    return numbers;
  };

  it("is given to each spare connection once, until it is known to have arrived", () => {
    const kept = new KeptMessages();
    for (const number of [1, 2, 3, 4]) kept.add(number, messageOf(number), number === 4 ? 1 : 0);
    kept.arrived(1);
    expect(numbersOf(kept, 1)).toEqual([2, 3]);
    expect(numbersOf(kept, 1)).toEqual([]);
    expect(numbersOf(kept, 2)).toEqual([2, 3, 4]);
    kept.arrived(9);
    expect(numbersOf(kept, 3)).toEqual([]);
  });

  it("are the newest, in number and in bytes", () => {
    const many = new KeptMessages();
    for (let number = 1; number <= 1000; number += 1) many.add(number, messageOf(1), 0);
    expect(numbersOf(many, 1)).toEqual(Array.from({ length: 256 }, (_, at) => 745 + at));
    const large = new KeptMessages();
    const frame = encodeFrame(FrameType.birth, [new Uint8Array(COPY_BYTES_MAX - 100)]);
    for (let number = 1; number <= 10; number += 1) large.add(number, frame, 0);
    expect(numbersOf(large, 1)).toEqual([7, 8, 9, 10]);
  });

  it("survives being copied", () => {
    const { type, body } = parts(encodeCopy(5, 7, messageOf(9)));
    const copy = decodeCopy(type, body);
    expect(copy).toMatchObject({ stream: 5, number: 7, type: FrameType.timeoutNow });
    expect(copy.body).toEqual(parts(messageOf(9)).body);
  });
});
