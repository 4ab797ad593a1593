import {
  type Entry,
  EntryType,
  type Index,
  type NodeId,
  type Status,
  type StoreRequest,
  type Term,
} from "@quorate/raft/core";
import type { ClusterView, DurableView, NodeView } from "./observation.js";

/** A log as its terms from index 1 on; `compacted` of them are gone from the disk. */
export interface DiskSketch {
  readonly log?: readonly Term[];
  readonly compacted?: Index;
  readonly term?: Term;
  readonly vote?: NodeId | null;
  readonly commit?: Index;
  readonly applied?: Index;
}

export function disk({
  log = [1],
  compacted = 0,
  term,
  vote = null,
  commit = 0,
  applied,
}: DiskSketch = {}): DurableView {
  const termOf = (index: Index): Term => log[index - 1] ?? 0;
  return {
    hardState: { term: term ?? termOf(log.length), vote, commit },
    compacted: { index: compacted, term: termOf(compacted) },
    last: { index: log.length, term: termOf(log.length) },
    applied: applied ?? compacted,
    termAt: (index) => (index > compacted ? log[index - 1] : undefined),
  };
}

export function node(id: NodeId, sketch: DiskSketch = {}): NodeView {
  return { id, durable: disk(sketch) };
}

/** A cluster of these servers, all voters. */
export function cluster(...nodes: readonly NodeView[]): ClusterView {
  return { nodes, isQuorum: (ids) => ids.size >= Math.floor(nodes.length / 2) + 1 };
}

export function status(id: NodeId, sketch: Partial<Status> = {}): Status {
  return {
    id,
    role: "follower",
    term: 1,
    leader: null,
    commit: 0,
    applied: 0,
    lastIndex: 1,
    firstIndex: 1,
    logBytes: 0,
    canServe: false,
    followers: [],
    ...sketch,
  };
}

/** Entries with these terms from index `from` on; the text is their content. */
export function entries(from: Index, terms: readonly Term[], text = "x"): Entry[] {
  return terms.map((term, i) => ({
    index: from + i,
    term,
    type: EntryType.application,
    data: new TextEncoder().encode(`${text}${from + i}`),
  }));
}

export function store(sketch: Partial<StoreRequest>): StoreRequest {
  return { ticket: 1, hardState: null, entries: [], compactTo: 0, install: null, ...sketch };
}
