import { describe, expect, it } from "vitest";
import { type AppendEntries, EntryType } from "../core/index.js";
import { decodeMessage, encodeMessage } from "./message-codec.js";

const entry = (index: number, text: string) => ({
  index,
  term: 2,
  type: EntryType.application,
  data: new TextEncoder().encode(text),
});
const entries = [entry(6, "a"), entry(7, "b")];
const append: AppendEntries = {
  type: "appendEntries",
  from: "n1",
  to: "n2",
  term: 3,
  prevIndex: 5,
  prevTerm: 2,
  commit: 4,
  entries,
};

function received(message: AppendEntries) {
  const bytes = Buffer.concat(encodeMessage(message).parts);
  return decodeMessage(bytes.readUInt8(4), new Uint8Array(bytes.subarray(5)), message.from, message.to);
}

describe("AppendEntries to several followers", () => {
  it("is encoded once", () => {
    const first = encodeMessage(append);
    expect(encodeMessage({ ...append, to: "n3", entries: [...entries] })).toBe(first);
  });

  const others: [what: string, message: AppendEntries][] = [
    ["the term", { ...append, term: 4 }],
    ["the term there", { ...append, prevTerm: 1 }],
    ["the commit index", { ...append, commit: 5 }],
    ["that it wants no answer", { ...append, silent: true }],
    ["fewer entries", { ...append, entries: entries.slice(0, 1) }],
    ["more entries", { ...append, entries: [...entries, entry(8, "c")] }],
    ["another entry at the same index", { ...append, entries: [entry(6, "x"), entry(7, "b")] }],
  ];
  it.each(others)("is encoded anew when it differs in %s", (_what, message) => {
    encodeMessage(append);
    expect(received(message)).toEqual(message);
  });

  it("is encoded anew when it follows another entry", () => {
    const news = { ...append, entries: [] };
    encodeMessage(news);
    expect(received({ ...news, prevIndex: 6 })).toEqual({ ...news, prevIndex: 6 });
  });
});
