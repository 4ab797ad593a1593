import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { DamagedStorage, openIdentity, UnknownFormat } from "@quorate/raft/level";
import { MemoryDisk } from "@quorate/raft/memory";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { born, identityContract } from "./identity-contract.js";
import { temporaryDirectory } from "./storage-harness.js";

identityContract("file", async () => {
  const { directory, dispose } = await temporaryDirectory();
  return { open: () => openIdentity(directory), dispose };
});

identityContract("memory", async () => {
  const disk = new MemoryDisk();
  return { open: () => disk.identity(), dispose: async () => disk.crash() };
});

describe("a damaged identity file is refused by name", () => {
  let directory: string;
  let dispose: () => Promise<void>;
  let path: string;

  beforeEach(async () => {
    ({ directory, dispose } = await temporaryDirectory());
    path = join(directory, "identity.json");
    await openIdentity(directory).write(born);
  });
  afterEach(() => dispose());

  function change(edit: (text: string) => string): void {
    const before = readFileSync(path, "utf8");
    const after = edit(before);
    expect(after).not.toBe(before);
    writeFileSync(path, after);
  }

  test.each<[string, (text: string) => string, RegExp]>([
    ["empty", () => "", /expected a JSON object/],
    ["cut short", (text) => text.slice(0, -20), /expected a JSON object/],
    ["no object", () => "null", /expected a JSON object/],
    ["without format", (text) => text.replace('"format": 2,', ""), /expected a field format, found none/],
    [
      "without incarnation",
      (text) => text.replace(/"incarnation":.*\n/, ""),
      /text in field incarnation, found none/,
    ],
    [
      "born of another type",
      (text) => text.replace("true", '"yes"'),
      /true or false in field born, found "yes"/,
    ],
    ["an edited node id", (text) => text.replace('"n1"', '"n2"'), /fields with checksum/],
    ["an edited birth", (text) => text.replace("true", "false"), /fields with checksum/],
    ["an edited cluster id", (text) => text.replace('"c1"', "null"), /fields with checksum/],
  ])("%s", (_, edit, message) => {
    change(edit);
    const read = () => openIdentity(directory).read();
    expect(read).toThrow(DamagedStorage);
    expect(read).toThrow(message);
    expect(read).toThrow(path);
  });

  test("any single changed character", () => {
    const sound = readFileSync(path);
    for (let position = 0; position < sound.length; position++) {
      const flipped = Buffer.from(sound);
      flipped[position] = (sound[position] ?? 0) ^ 1;
      writeFileSync(path, flipped);
      let read: unknown = "refused";
      try {
        read = openIdentity(directory).read();
      } catch (error) {
        if (!(error instanceof DamagedStorage || error instanceof UnknownFormat)) throw error;
      }
      // White space between fields says nothing: there a change may go unnoticed.
      expect(["refused", born]).toContainEqual(read);
    }
  });

  test("another format names both", () => {
    change((text) => text.replace('"format": 2', '"format": 7'));
    expect(() => openIdentity(directory).read()).toThrow(UnknownFormat);
    expect(() => openIdentity(directory).read()).toThrow(/has format 7, this version reads format 2/);
  });

  test("one of a release that knew no retired lives is read", () => {
    const before = {
      format: 1,
      clusterName: "prod",
      nodeId: "n1",
      incarnation: "first-life",
      clusterId: "c1",
      born: true,
    };
    const checksum = crc32(JSON.stringify(Object.values(before)))
      .toString(16)
      .padStart(8, "0");
    change(() => JSON.stringify({ ...before, checksum }));
    expect(openIdentity(directory).read()).toEqual(born);
    change((text) => text.replace('"n1"', '"n2"'));
    expect(() => openIdentity(directory).read()).toThrow(/fields with checksum/);
  });

  test("a left-over temporary file changes nothing", async () => {
    writeFileSync(`${path}.new`, "half");
    expect(openIdentity(directory).read()).toEqual(born);
    await openIdentity(directory).write(born);
    expect(openIdentity(directory).read()).toEqual(born);
  });
});
