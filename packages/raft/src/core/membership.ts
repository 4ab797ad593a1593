/**
 * Who takes part. The membership in force on a server is always the last one in its log, committed or not
 * (paper, section 6); cutting that entry off restores the one before.
 */
import { broken, invariant } from "./assert.js";
import {
  type Entry,
  EntryType,
  type HardState,
  type Index,
  type Life,
  type Member,
  type Membership,
  type NodeId,
  type PlacedMembership,
  type Restored,
} from "./types.js";

/** The bytes of a membership entry are not a membership. The text says which part and what was expected. */
export class InvalidMembershipError extends Error {
  override readonly name = "InvalidMembershipError";
}

/** Membership as the `data` of its log entry: JSON in UTF-8. Refuses what `decodeMembership` would refuse. */
export function encodeMembership(membership: Membership): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(readMembership(membership)));
}

/** The reverse of `encodeMembership`. Throws `InvalidMembershipError`. */
export function decodeMembership(data: Uint8Array): Membership {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch (cause) {
    throw new InvalidMembershipError(`a membership must be JSON in UTF-8: ${String(cause)}`);
  }
  return readMembership(parsed);
}

function readMembership(value: unknown): Membership {
  const fields = readObject("a membership", value);
  const members = readArray("members", fields.members).map((member, position) =>
    readMember(member, position),
  );
  const ids = new Set<NodeId>();
  for (const { id } of members) {
    if (ids.has(id)) throw new InvalidMembershipError(`members lists "${id}" twice`);
    ids.add(id);
  }
  const membership = {
    clusterId: readText("clusterId", fields.clusterId),
    members,
    voters: readIds("voters", fields.voters, ids),
    votersOutgoing: readIds("votersOutgoing", fields.votersOutgoing, ids),
    learners: readIds("learners", fields.learners, ids),
  };
  if (membership.voters.length === 0)
    throw new InvalidMembershipError("voters must name at least one member");
  for (const id of membership.learners) {
    if (isVoter(membership, id)) {
      throw new InvalidMembershipError(`"${id}" cannot be a voter and a learner at once`);
    }
  }
  return {
    ...membership,
    ...(fields.joining !== undefined && { joining: readJoining(fields.joining) }),
    ...(fields.recoveredFrom !== undefined && { recoveredFrom: readLife(fields.recoveredFrom) }),
  };
}

function readJoining(value: unknown): readonly Member[] {
  return readArray("joining", value).map((member, position) => readMember(member, position, "joining"));
}

function readLife(value: unknown): Life {
  const fields = readObject("recoveredFrom", value);
  return {
    clusterId: readText("recoveredFrom.clusterId", fields.clusterId),
    incarnation: readText("recoveredFrom.incarnation", fields.incarnation),
  };
}

function readMember(value: unknown, position: number, list = "members"): Member {
  const where = `${list}[${position}]`;
  const fields = readObject(where, value);
  return {
    id: readText(`${where}.id`, fields.id),
    incarnation: readText(`${where}.incarnation`, fields.incarnation),
    peer: readText(`${where}.peer`, fields.peer),
    http: readText(`${where}.http`, fields.http),
  };
}

function readObject(where: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidMembershipError(`${where} must be an object, not ${describe(value)}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function readArray(where: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw new InvalidMembershipError(`${where} must be an array, not ${describe(value)}`);
  }
  return value;
}

function readText(where: string, value: unknown): string {
  if (typeof value !== "string" || value === "") {
    throw new InvalidMembershipError(`${where} must be a non-empty string, not ${describe(value)}`);
  }
  return value;
}

function readIds(where: string, value: unknown, members: ReadonlySet<NodeId>): readonly NodeId[] {
  const ids = readArray(where, value).map((id, position) => readText(`${where}[${position}]`, id));
  for (const [position, id] of ids.entries()) {
    if (!members.has(id)) throw new InvalidMembershipError(`${where} names "${id}", which is not in members`);
    if (ids.indexOf(id) !== position) throw new InvalidMembershipError(`${where} lists "${id}" twice`);
  }
  return ids;
}

function describe(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

/** What a node stores at birth: the agreed membership as entry 1 of term 1, which everybody holds and so is committed. */
export function birthRecord(membership: Membership): {
  readonly hardState: HardState;
  readonly entry: Entry;
} {
  return {
    hardState: { term: 1, vote: null, commit: 1 },
    entry: { index: 1, term: 1, type: EntryType.membership, data: encodeMembership(membership) },
  };
}

/** What a node that has just stored `birthRecord(membership)` restores: a core can be built from it at once. */
export function birthRestored(membership: Membership): Restored {
  const { hardState, entry } = birthRecord(membership);
  return {
    hardState,
    compacted: { index: 0, term: 0 },
    terms: [{ first: 1, term: 1 }],
    tail: [entry],
    last: { index: 1, term: 1 },
    membership: { index: 1, membership },
    applied: 0,
    logBytes: entry.data.length,
  };
}

export function isJoint(membership: Membership): boolean {
  return membership.votersOutgoing.length > 0;
}

export function isVoter(membership: Membership, id: NodeId): boolean {
  return membership.voters.includes(id) || membership.votersOutgoing.includes(id);
}

/** Its vote alone decides: nobody else could lead. */
export function isOnlyVoter(membership: Membership, id: NodeId): boolean {
  return [...membership.voters, ...membership.votersOutgoing].every((voter) => voter === id);
}

type MembershipSource = Pick<Restored, "membership" | "membershipBefore">;

/** The memberships of the log that may still count: the last committed one and those after it. */
export class MembershipHistory {
  /** Ascending by index; empty only before birth. */
  #stack: PlacedMembership[];
  /** Of every member in force. */
  #incarnations: ReadonlyMap<NodeId, string> = new Map();
  readonly #keepTruncated: boolean;

  /** `keepTruncated` is a planted bug: a membership stays in force when its entry is cut off. */
  constructor({ membership, membershipBefore }: MembershipSource, keepTruncated = false) {
    this.#stack = [membershipBefore ?? null, membership].filter((held) => held !== null);
    this.#keepTruncated = keepTruncated;
    this.#refresh();
  }

  /** Index of the entry that holds the membership in force; 0 before birth. */
  get index(): Index {
    return this.#stack.at(-1)?.index ?? 0;
  }

  /** Null before birth. */
  get current(): Membership | null {
    return this.#stack.at(-1)?.membership ?? null;
  }

  /** The one before it, as long as the one in force may be cut off; null when there is none. */
  get before(): Membership | null {
    return this.#stack.at(-2)?.membership ?? null;
  }

  /** Ids of every member in force, voters and learners. */
  get ids(): Iterable<NodeId> {
    return this.#incarnations.keys();
  }

  has(id: NodeId): boolean {
    return this.#incarnations.has(id);
  }

  /** Undefined for who is no member. */
  incarnationOf(id: NodeId): string | undefined {
    return this.#incarnations.get(id);
  }

  /** A membership entry was appended: it is in force from now on. */
  append(entry: Entry): void {
    this.#stack.push({ index: entry.index, membership: decodeMembership(entry.data) });
    this.#refresh();
  }

  /** A snapshot took the place of the log. */
  reset(latest: PlacedMembership): void {
    this.#stack = [latest];
    this.#refresh();
  }

  /** The log was cut from `index` on. Returns true when that changed the membership in force. */
  truncateFrom(index: Index): boolean {
    if (this.#keepTruncated) return false;
    const kept = this.#stack.filter((held) => held.index < index);
    if (kept.length === this.#stack.length) return false;
    if (kept.length === 0) throw broken("the membership before a cut-off one is not known", { index });
    this.#stack = kept;
    this.#refresh();
    return true;
  }

  /** Everything up to `commit` is final: memberships before the last committed one are of no more use. */
  committed(commit: Index): void {
    while (this.#stack.length > 1 && (this.#stack[1]?.index ?? Infinity) <= commit) this.#stack.shift();
    invariant(this.#stack.length > 0, "a commit before birth", { commit });
  }

  #refresh(): void {
    const members = this.current?.members ?? [];
    this.#incarnations = new Map(members.map(({ id, incarnation }) => [id, incarnation]));
  }
}
