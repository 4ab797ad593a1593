/** `quorate members`, `transfer`: who is in the cluster, and who leads it. */
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
      match: progress.get(id)?.match ?? null,
      lag: progress.get(id)?.lag ?? null,
      peer: textOf(member.peer),
      http: textOf(member.http),
    };
  });
  if (format === "json") return JSON.stringify(rows, null, 2);
  return table(
    ["ID", "ROLE", "LEADER", "CONNECTED", "MATCH", "LAG", "PEER", "HTTP"],
    rows.map(({ id, role, leader, connected, match, lag, peer, http }) => [
      id,
      role,
      leader ? "yes" : "",
      connected ? "yes" : "no",
      match ?? "",
      lag ?? "",
      peer,
      http,
    ]),
  );
}

export async function transfer(
  options: NodeClientOptions,
  id: string | undefined,
  format: OutputFormat,
): Promise<string> {
  const leader = textOf(await answer(options, "cluster.transfer", id === undefined ? [] : [id]));
  return format === "json" ? JSON.stringify({ leader }, null, 2) : `${leader} leads now`;
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
