import { describe, expect, it } from "vitest";
import { encodeFrame, FrameError, FrameReader, FrameType, frameOf, packBody, unpackBody } from "./frame.js";

const joined = (type: FrameType, fields: readonly unknown[]) =>
  Buffer.concat(encodeFrame(type, fields).parts);

function reader(max = 1 << 20) {
  const seen: { type: number; fields: readonly unknown[] }[] = [];
  return {
    seen,
    reader: new FrameReader(max, (type, body) => seen.push({ type, fields: unpackBody(body) })),
  };
}

describe("FrameReader", () => {
  const small = { type: FrameType.heartbeat, fields: [1, "two", true, null] };
  const large = { type: FrameType.appendEntries, fields: [new Uint8Array(200_000).fill(7)] };
  const stream = Buffer.concat(
    [small, large, small, { type: FrameType.accept, fields: [] }].map((f) => joined(f.type, f.fields)),
  );

  it.each([1, 2, 3, 4, 5, 6, 7, 11, 4096, 65_536, 1 << 20])(
    "cuts a stream that comes in chunks of %i",
    (size) => {
      const again: Uint8Array[] = [];
      const frames = new FrameReader(1 << 20, (type, body) => {
        again.push(...frameOf(type as FrameType, body).parts);
      });
      for (let at = 0; at < stream.length; at += size) frames.push(stream.subarray(at, at + size));
      expect(Buffer.concat(again).equals(stream)).toBe(true);
    },
  );

  it("refuses a length above the cap as soon as the header is there, before the body", () => {
    const { seen, reader: frames } = reader(1000);
    expect(() => frames.push(Buffer.from([0x7f, 0xff, 0xff, 0xff, 0x10]))).toThrow(
      /frame of 2147483651 bytes: at most 1000 allowed/,
    );
    expect(seen).toEqual([]);
  });

  it("takes a frame of exactly the cap and refuses one byte more", () => {
    const frame = joined(FrameType.request, [new Uint8Array(500)]);
    const exact = reader(frame.length);
    exact.reader.push(frame);
    expect(exact.seen).toHaveLength(1);
    expect(() => reader(frame.length - 1).reader.push(frame)).toThrow(FrameError);
  });

  it("refuses a frame without a type", () => {
    expect(() => reader().reader.push(Buffer.from([0, 0, 0, 0, 1]))).toThrow(/length 0/);
  });

  it("obeys a cap that is raised, and a stop, from inside a frame", () => {
    const sizes: number[] = [];
    const frames: FrameReader = new FrameReader(100, (_, body) => {
      sizes.push(body.length);
      frames.frameBytesMax = 1000;
      if (sizes.length === 2) frames.stop();
    });
    const big = joined(FrameType.request, [new Uint8Array(500)]);
    frames.push(Buffer.concat([joined(FrameType.accept, []), big, big]));
    expect(sizes).toEqual([1, big.length - 5]);
  });

  it("hands out small bodies without a copy, as plain bytes", () => {
    const data = new Uint8Array([1, 2, 3]);
    const chunk = joined(FrameType.request, [data]);
    let body = new Uint8Array();
    new FrameReader(100, (_, b) => {
      body = b as Uint8Array<ArrayBuffer>;
    }).push(chunk);
    expect(body.buffer).toBe(chunk.buffer);
    expect(Buffer.isBuffer(unpackBody(body)[0])).toBe(false);
    expect(unpackBody(body)).toEqual([data]);
  });
});

describe("unpackBody", () => {
  it("reads back what packBody wrote", () => {
    const fields = [
      0,
      -1,
      127,
      128,
      65_536,
      2 ** 32,
      2 ** 53 - 1,
      0.5,
      "",
      "ü€",
      "x".repeat(70_000),
      null,
      true,
      false,
      [[], [1]],
    ];
    expect(unpackBody(packBody(fields))).toEqual(fields);
  });

  it.each([
    ["nothing", [], /ends too early/],
    ["a number", [0x05], /expected one msgpack array/],
    ["a map", [0x80], /expected one msgpack array/],
    ["a map inside", [0x91, 0x81, 0xa1, 0x61, 0x01], /code 0x81/],
    ["an extension", [0x91, 0xd4, 0x72, 0x40], /code 0xd4/],
    ["an array that claims 2^32 - 1 elements", [0xdd, 0xff, 0xff, 0xff, 0xff], /claims 4294967295 more/],
    ["bytes that claim more than there are", [0x91, 0xc6, 0, 0, 1, 0], /claims 256 more/],
    ["a string that claims more than there is", [0x91, 0xa5, 0x61], /claims 5 more/],
    ["a length cut in half", [0x91, 0xdb, 0, 0], /ends too early/],
    ["a number cut in half", [0x91, 0xcb, 0, 0], /claims 8 more/],
    ["a missing element", [0x92, 0x01], /ends too early|claims/],
    ["bytes behind the array", [0x90, 0x00], /1 bytes behind/],
    ["deep nesting", Array(4000).fill(0x91), /nested deeper/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => unpackBody(new Uint8Array(bytes))).toThrow(FrameError);
    expect(() => unpackBody(new Uint8Array(bytes))).toThrow(message);
  });

  it("refuses more values than any honest frame has", () => {
    const count = 1 << 21;
    const body = new Uint8Array(5 + count).fill(0xc0);
    new DataView(body.buffer).setUint8(0, 0xdd);
    new DataView(body.buffer).setUint32(1, count);
    expect(() => unpackBody(body)).toThrow(/more than 1048576 values/);
  });
});

describe("a frame with large bytes", () => {
  const large = new Uint8Array(100_000).fill(7);
  const small = new Uint8Array(10).fill(1);
  it.each<[string, unknown[]]>([
    ["at the end", [5, large]],
    ["first and last", [large, "text", large]],
    [
      "in entries beside small ones",
      [
        1,
        2,
        [
          [3, 1, small],
          [3, 1, large],
          [3, 1, small],
          [4, 0, large],
        ],
        true,
      ],
    ],
    ["none that is large enough", [1, [small, small]]],
  ])("holds them as parts, not as copies, and is read like every other: %s", (_, fields) => {
    const frame = encodeFrame(FrameType.appendEntries, fields, 200_000);
    const count = fields.flat(2).filter((field) => field === large).length;
    expect(frame.parts.filter((part) => part === large)).toHaveLength(count);
    const bytes = Buffer.concat(frame.parts);
    expect(bytes.length).toBe(frame.bytes);
    const { seen, reader: frames } = reader();
    frames.push(bytes);
    expect(seen.map(({ type }) => type)).toEqual([FrameType.appendEntries]);
    const plain = (field: unknown): unknown =>
      field instanceof Uint8Array
        ? Buffer.from(field).toString("hex")
        : Array.isArray(field)
          ? field.map(plain)
          : field;
    expect(plain(seen[0]?.fields)).toEqual(plain(fields));
  });
});
