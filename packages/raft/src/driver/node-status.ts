import { type Index, type Membership, memberOf, type NodeId, type Status } from "../core/index.js";
import type { Identity } from "../ports/index.js";
import type { Held } from "./execution-gate.js";
import { failureTolerance } from "./failure-tolerance.js";
import type { NodeStatus } from "./types.js";

export interface StatusParts {
  readonly nodeId: NodeId;
  /** Null before birth. */
  readonly consensus: {
    status(): Status;
    membershipIndex(): Index;
    readonly proposalsPending: number;
    readonly held: Held | null;
    readonly snapshotFrom: NodeId | null;
  } | null;
  readonly identity: Identity;
  readonly membership: Membership | null;
  readonly missing: readonly NodeId[];
  /** Members that were heard to begin anew with their disk. */
  readonly rebuilding: readonly NodeId[];
  readonly connected: readonly NodeId[];
  readonly refusals: readonly string[];
}

export function nodeStatus(parts: StatusParts): NodeStatus {
  const { nodeId, consensus, identity, membership, missing, connected, refusals } = parts;
  const rebuildsItself = isRebuilding(nodeId, identity, membership);
  const status = consensus?.status() ?? unborn(nodeId);
  return {
    ...status,
    born: identity.born,
    missing,
    rebuilding: rebuildsItself ? [nodeId, ...parts.rebuilding] : parts.rebuilding,
    clusterId: identity.clusterId,
    membership,
    connected,
    refusals,
    snapshotFrom: consensus?.snapshotFrom ?? null,
    removed:
      consensus !== null &&
      membership !== null &&
      // Whoever catches up passes through memberships from before it joined, but hears a leader.
      status.leader === null &&
      consensus.membershipIndex() > 0 &&
      consensus.membershipIndex() <= status.commit &&
      !membership.members.some(
        ({ id, incarnation }) => id === nodeId && incarnation === identity.incarnation,
      ),
    proposalsPending: consensus?.proposalsPending ?? 0,
    held: consensus?.held ?? null,
    failureTolerance: membership === null ? 0 : failureTolerance(membership, isAliveTo(status, connected)),
  };
}

/** This disk retired a damaged life and has not the vote again that it had in it. */
function isRebuilding(
  id: NodeId,
  { born, retired, incarnation }: Identity,
  membership: Membership | null,
): boolean {
  if (retired === null) return false;
  const known = membership === null ? undefined : memberOf(membership, id);
  if (!born || known === undefined) return !born;
  return known.incarnation !== incarnation || membership?.learners.includes(id) === true;
}

/** Who has a connection with this node; a leader knows besides who answers it. */
function isAliveTo(status: Status, connected: readonly NodeId[]): (id: NodeId) => boolean {
  const alive = new Set(connected);
  if (status.role === "leader") {
    for (const { id, active } of status.followers) if (!active) alive.delete(id);
  }
  return (id) => id === status.id || alive.has(id);
}

function unborn(id: NodeId): Status {
  return {
    id,
    role: "follower",
    term: 0,
    leader: null,
    commit: 0,
    applied: 0,
    lastIndex: 0,
    firstIndex: 1,
    logBytes: 0,
    canServe: false,
    followers: [],
  };
}
