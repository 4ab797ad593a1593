/** What storage tests need of an implementation, and short words for batches. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyRange, Storage, StorageSnapshot, WriteBatch } from "@quorate/raft";
import { type Entry, EntryType, encodeMembership, type Membership } from "@quorate/raft/core";
import { openLevelStorage } from "@quorate/raft/level";
import { MemoryDisk } from "@quorate/raft/memory";

/** One disk on which storages are opened one after the other. */
export interface StorageHarness {
  open(options?: { maxTailBytes?: number }): Promise<Storage>;
  dispose(): Promise<void>;
}

export async function temporaryDirectory(): Promise<{ directory: string; dispose: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "quorate-storage-"));
  return { directory, dispose: () => rm(directory, { recursive: true, force: true }) };
}

export async function levelHarness(): Promise<StorageHarness> {
  const { directory, dispose } = await temporaryDirectory();
  let opened = false;
  return {
    open: async (options = {}) => {
      const storage = await openLevelStorage({
        directory: join(directory, "db"),
        mustExist: opened,
        ...options,
      });
      opened = true;
      return storage;
    },
    dispose,
  };
}

export async function memoryHarness(): Promise<StorageHarness> {
  const disk = new MemoryDisk();
  return { open: async (options = {}) => disk.open(options), dispose: async () => disk.crash() };
}

const emptyBatch: WriteBatch = {
  hardState: null,
  entries: [],
  compactTo: 0,
  effects: [],
  applied: null,
  chunk: null,
  install: null,
};

export function batch(parts: Partial<WriteBatch>): WriteBatch {
  return { ...emptyBatch, ...parts };
}

/** Application entries `first`, `first + 1`, … with the given terms and data that names index and term. */
export function entries(first: number, ...terms: readonly number[]): Entry[] {
  return terms.map((term, offset) => ({
    index: first + offset,
    term,
    type: EntryType.application,
    data: bytes(`entry ${first + offset} of term ${term}`),
  }));
}

export function membershipEntry(index: number, term: number, membership: Membership): Entry {
  return { index, term, type: EntryType.membership, data: encodeMembership(membership) };
}

export function membershipOf(...voters: readonly string[]): Membership {
  return {
    clusterId: "c1",
    members: voters.map((id) => ({
      id,
      incarnation: `${id}-life`,
      peer: `${id}:9000`,
      http: `http://${id}:8000`,
    })),
    voters: [...voters],
    votersOutgoing: [],
    learners: [],
  };
}

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"));
}

export function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString("utf8");
}

/** Entries as plain values: two implementations may use different classes for bytes. */
export function plain(list: readonly Entry[]): unknown[] {
  return list.map(({ index, term, type, data }) => ({
    index,
    term,
    type,
    data: Buffer.from(data).toString("hex"),
  }));
}

/** Index@term of each entry. */
export function ids(list: readonly Entry[]): string[] {
  return list.map(({ index, term }) => `${index}@${term}`);
}

export function hardState(term: number, commit = 0, vote: string | null = null) {
  return { term, commit, vote };
}

export function effect(key: string, value: string | null) {
  return { key: bytes(key), value: value === null ? null : bytes(value) };
}

/** What `range` holds, as `key=value`. */
export async function scanned(snapshot: StorageSnapshot, range: KeyRange = {}): Promise<string[]> {
  return (await snapshot.scan(range)).map(([key, value]) => `${text(key)}=${text(value)}`);
}
