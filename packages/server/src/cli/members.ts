/** `quorate members`, `transfer`, `void`: who is in the cluster, and who leads it. */
import type { Value } from "@quorate/protocol";
import { CommandFailed } from "./exit-codes.js";
import { answer } from "./inspect.js";
import type { NodeClientOptions } from "./node-client.js";
import { type OutputFormat, table } from "./output.js";

interface MemberRow {
  readonly id: string;
  /** `voter`, `learner`, or `configured` before the cluster is founded. */
  readonly role: string;
  readonly leader: boolean;
  /** With the node that was asked. */
  readonly connected: boolean;
  /** Its disk was damaged and begins anew. */
  readonly rebuilding: boolean;
  /** Last log index that is known to be on its disk; null when the leader does not say. */
  readonly match: number | null;
  /** Entries that it lacks. */
  readonly lag: number | null;
  readonly peer: string;
  readonly http: string;
}

export async function members(options: NodeClientOptions, format: OutputFormat): Promise<string> {
  const listed = structs(await answer(options, "cluster.members", []));
  const progress = progressOf(await leaderStatus(options));
  const rows = listed.map((member): MemberRow => {
    const id = textOf(member.id);
    return {
      id,
      role: textOf(member.role),
      leader: member.leader === true,
      connected: member.connected === true,
      rebuilding: member.rebuilding === true,
      match: progress.get(id)?.match ?? null,
      lag: progress.get(id)?.lag ?? null,
      peer: textOf(member.peer),
      http: textOf(member.http),
    };
  });
  if (format === "json") return JSON.stringify(rows, null, 2);
  return table(
    ["ID", "ROLE", "LEADER", "CONNECTED", "MATCH", "LAG", "PEER", "HTTP"],
    rows.map(({ id, role, leader, connected, rebuilding, match, lag, peer, http }) => [
      id,
      rebuilding ? `${role}, rebuilt` : role,
      leader ? "yes" : "",
      connected ? "yes" : "no",
      match ?? "",
      lag ?? "",
      peer,
      http,
    ]),
  );
}

export interface ChangeOptions {
  /** How long to wait until an added or replaced node votes, in milliseconds; 0: not at all. */
  readonly waitMs: number;
  /** Told how far a newcomer is, for a person who watches. */
  readonly onProgress: (line: string) => void;
}

const pollMs = 500;

/** `quorate add`, `remove`, `replace`: returns when the change is committed, or when the newcomer votes. */
export async function changeMembership(
  options: NodeClientOptions,
  kind: "add" | "remove" | "replace",
  args: readonly string[],
  { waitMs, onProgress }: ChangeOptions,
  format: OutputFormat,
): Promise<string> {
  const [id = ""] = args;
  const index = Number(await answer(options, `cluster.${kind}`, [...args]));
  const role = kind === "remove" ? "removed" : await awaitVote(options, id, waitMs, onProgress);
  const [status] = structs([await answer(options, "cluster.status", [])]);
  const failureTolerance = Number(status?.failureTolerance ?? 0);
  if (format === "json") return JSON.stringify({ id, role, index, failureTolerance }, null, 2);
  const done = {
    add: `${id} was added`,
    remove: `${id} was removed; stop it, and delete its data directory before it comes back`,
    replace: `${id} was replaced`,
  }[kind];
  const state =
    kind === "remove"
      ? ""
      : role === "voter"
        ? "; it votes"
        : "; it is a learner until it has kept up for a while";
  const failures = failureTolerance === 1 ? "1 failure" : `${failureTolerance} failures`;
  return `${done}${state}\nthe cluster tolerates ${failures} now`;
}

async function awaitVote(
  options: NodeClientOptions,
  id: string,
  waitMs: number,
  onProgress: (line: string) => void,
): Promise<string> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const listed = structs(await answer(options, "cluster.members", []));
    const role = textOf(listed.find((member) => textOf(member.id) === id)?.role);
    if (role === "voter" || performance.now() >= deadline) return role;
    const lag = progressOf(await leaderStatus(options)).get(id)?.lag;
    onProgress(`${id} is a learner${lag === undefined ? "" : `, ${lag} entries behind`}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

export async function transfer(
  options: NodeClientOptions,
  id: string | undefined,
  format: OutputFormat,
): Promise<string> {
  const leader = textOf(await answer(options, "cluster.transfer", id === undefined ? [] : [id]));
  return format === "json" ? JSON.stringify({ leader }, null, 2) : `${leader} leads now`;
}

/** `quorate void`: returns when the entry is struck out on the leader. */
export async function strikeOut(
  options: NodeClientOptions,
  index: number,
  format: OutputFormat,
): Promise<string> {
  const by = Number(await answer(options, "cluster.void", [index]));
  if (format === "json") return JSON.stringify({ index, by }, null, 2);
  return `entry ${index} is struck out by entry ${by}: on no node will it be executed`;
}

type Struct = Readonly<Record<string, Value>>;

/** Only a leader knows how far the others are: null when there is none, or it cannot be reached from here. */
async function leaderStatus(options: NodeClientOptions): Promise<Struct | null> {
  const [own] = structs([await answer(options, "cluster.status", [])]);
  if (own === undefined || own.role === "leader") return own ?? null;
  const url = textOf(own.leaderUrl);
  if (url === "") return null;
  try {
    const [status] = structs([await answer({ ...options, urls: [url] }, "cluster.status", [])]);
    return status?.role === "leader" ? status : null;
  } catch (error) {
    if (error instanceof CommandFailed) return null;
    throw error;
  }
}

function progressOf(
  leader: Struct | null,
): ReadonlyMap<string, { readonly match: number; readonly lag: number }> {
  if (leader === null) return new Map();
  const followers = structs(leader.followers).map(
    ({ id, match, lag }) => [textOf(id), { match: Number(match), lag: Number(lag) }] as const,
  );
  return new Map([[textOf(leader.node), { match: Number(leader.lastIndex), lag: 0 }], ...followers]);
}

function structs(value: Value | undefined): readonly Struct[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item: Value): item is { [name: string]: Value } => {
    return typeof item === "object" && item !== null && !Array.isArray(item);
  });
}

const textOf = (value: Value | undefined): string => (typeof value === "string" ? value : "");
