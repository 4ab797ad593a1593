/** What a node says of itself and of the cluster: `cluster.status`, `cluster.members`, `GET /status`. */
import { struct, type Value } from "@quorate/protocol";
import type { NodeStatus } from "@quorate/raft";
import type { LocalMethod } from "../rpc/ports.js";
import { expectNone } from "../rpc/system-methods.js";
import type { MemberAddresses } from "./cluster-watch.js";

export interface FollowerReport {
  readonly id: string;
  readonly match: number;
  /** Log entries that it lacks, as far as this leader knows. */
  readonly lag: number;
  readonly state: string;
  readonly active: boolean;
}

export interface StatusReport {
  readonly node: string;
  readonly cluster: string;
  readonly clusterId: string | null;
  readonly service: string;
  readonly serviceVersion: string;
  readonly role: string;
  readonly term: number;
  readonly leader: string | null;
  readonly leaderUrl: string | null;
  /** This node leads and can serve. */
  readonly serves: boolean;
  readonly born: boolean;
  /** Members that the founding of the cluster waits for. */
  readonly missing: readonly string[];
  /** Members whose damaged disk begins anew: they do not vote until they have what they lack. */
  readonly rebuilding: readonly string[];
  readonly connected: readonly string[];
  /** Why other nodes do not talk to this one, a sentence for each. */
  readonly refusals: readonly string[];
  /** It was removed from the cluster. */
  readonly removed: boolean;
  /** How many more voters may fail before writes stop, counting those that are unreachable now. */
  readonly failureTolerance: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Payload bytes of the log, nearly. */
  readonly logBytes: number;
  /** Who sends this node a snapshot right now; null = nobody. */
  readonly snapshotFrom: string | null;
  readonly proposalsPending: number;
  /** Nothing from this entry on is executed on this node; null = no such hold. */
  readonly heldBefore: number | null;
  /** Why, and what to do; null where it is not held. */
  readonly whyHeld: string | null;
  readonly followers: readonly FollowerReport[];
}

export interface MemberReport {
  readonly id: string;
  /** Name of its disk; empty before the cluster is founded. */
  readonly incarnation: string;
  readonly peer: string;
  readonly http: string;
  readonly role: "voter" | "learner" | "configured";
  readonly leader: boolean;
  readonly connected: boolean;
  /** Its disk was damaged and begins anew, as far as the answering node has heard. */
  readonly rebuilding: boolean;
}

export interface StatusSource {
  readonly clusterName: string;
  /** The service's name and version. */
  readonly service: { readonly service: string; readonly sha256: string };
  readonly configured: readonly MemberAddresses[];
  status(): NodeStatus;
}

export function reportStatus(source: StatusSource): StatusReport {
  const status = source.status();
  const leader = reportMembers(source, status).find((member) => member.leader);
  return {
    node: status.id,
    cluster: source.clusterName,
    clusterId: status.clusterId,
    service: source.service.service,
    serviceVersion: source.service.sha256,
    role: status.role,
    term: status.term,
    leader: status.leader,
    leaderUrl: leader?.http ?? null,
    serves: status.role === "leader" && status.canServe,
    born: status.born,
    missing: status.missing,
    rebuilding: status.rebuilding,
    connected: status.connected,
    refusals: status.refusals,
    removed: status.removed,
    failureTolerance: status.failureTolerance,
    commitIndex: status.commit,
    appliedIndex: status.applied,
    firstIndex: status.firstIndex,
    lastIndex: status.lastIndex,
    logBytes: status.logBytes,
    snapshotFrom: status.snapshotFrom,
    proposalsPending: status.proposalsPending,
    heldBefore: status.held?.index ?? null,
    whyHeld: status.held?.why ?? null,
    followers: status.followers.map(({ id, match, state, active }) => ({
      id,
      match,
      lag: Math.max(0, status.lastIndex - match),
      state,
      active,
    })),
  };
}

export function reportMembers(source: StatusSource, status = source.status()): readonly MemberReport[] {
  const { membership } = status;
  const members: readonly MemberAddresses[] = membership?.members ?? source.configured;
  const roleOf = (id: string) => {
    if (membership === null) return "configured";
    return membership.learners.includes(id) ? "learner" : "voter";
  };
  const incarnations = new Map(membership?.members.map(({ id, incarnation }) => [id, incarnation]));
  return members.map(({ id, peer, http }) => ({
    id,
    incarnation: incarnations.get(id) ?? "",
    peer,
    http,
    role: roleOf(id),
    leader: id === status.leader,
    connected: id === status.id || status.connected.includes(id),
    rebuilding: status.rebuilding.includes(id),
  }));
}

export function clusterMethods(source: StatusSource): ReadonlyMap<string, LocalMethod> {
  const method = (help: string, result: string, answer: () => Value): LocalMethod => ({
    help,
    signatures: [[result]],
    parameters: [],
    call: (params) => {
      expectNone(params);
      return answer();
    },
  });
  return new Map([
    [
      "cluster.status",
      method(
        "What the answering node knows of itself and of the cluster; empty strings where it knows nothing.",
        "struct",
        () => toValue(reportStatus(source)),
      ),
    ],
    [
      "cluster.members",
      method(
        "The members of the cluster with their addresses, as the answering node knows them.",
        "array",
        () => toValue(reportMembers(source)),
      ),
    ],
  ]);
}

/** Several clients cannot read `<nil/>`, so what is unknown is an empty string here. */
function toValue(report: unknown): Value {
  if (typeof report === "string" || typeof report === "number" || typeof report === "boolean") return report;
  if (Array.isArray(report)) return report.map(toValue);
  if (typeof report === "object" && report !== null) {
    return struct(Object.entries(report).map(([name, value]) => [name, toValue(value)] as const));
  }
  return "";
}
