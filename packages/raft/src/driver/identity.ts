/** Whose disk is this? Settled before anybody is answered. */
import { type Membership, type NodeId, type Restored, recoveredAs } from "../core/index.js";
import type { Identity, IdentityStore } from "../ports/index.js";
import { judgeRecord } from "./birth.js";

/** The disk does not belong to this node, or contradicts itself. The text says what to do. */
export class WrongIdentity extends Error {
  override readonly name = "WrongIdentity";
}

export interface IdentityOptions {
  readonly nodeId: NodeId;
  readonly clusterName: string;
  readonly identity: IdentityStore;
  readonly randomId: () => string;
}

/**
 * Reads the identity, makes a fresh one for an empty disk, and finishes a birth or a recovery that a crash
 * interrupted between database and identity file.
 * @throws WrongIdentity
 */
export async function establishIdentity(options: IdentityOptions, restored: Restored): Promise<Identity> {
  const found = options.identity.read();
  if (found === null) return freshIdentity(options, restored);
  requireOwn(found, options);
  const membership = restored.membership?.membership ?? null;
  if (membership === null) {
    // Joined, and nothing has come yet: it wrote its term first.
    const joined = found.born && restored.hardState.term > 0 && restored.last.index === 0;
    if ((found.born && !joined) || restored.last.index > 0) {
      throw new WrongIdentity(
        `The identity file says that ${found.nodeId} ${found.born ? "was born" : "was never born"}, but its ` +
          `database holds ${restored.last.index} entries and no membership. Restore the directory or replace the node.`,
      );
    }
    return found;
  }
  if (!found.born) {
    const verdict = judgeRecord(found.nodeId, found.incarnation, membership, "The database belongs to");
    if (verdict.kind === "refuse") throw new WrongIdentity(verdict.reason);
    return writeIdentity(options.identity, bornAs(found, membership.clusterId));
  }
  // The membership need not mean this disk: it may be one from before it joined, or from after it was removed.
  if (found.clusterId !== membership.clusterId) {
    const recovered = lifeSinceRecovery(found, membership);
    if (recovered !== null) return writeIdentity(options.identity, recovered);
    throw new WrongIdentity(
      `The identity file names the cluster ${found.clusterId}, the database ${membership.clusterId}: these are parts ` +
        "of two nodes. Put the directory back together as it was.",
    );
  }
  return found;
}

/** A recovery wrote its record and was cut short before this file. */
function lifeSinceRecovery(found: Identity, membership: Membership): Identity | null {
  const { nodeId, clusterId, incarnation } = found;
  if (clusterId === null) return null;
  const since = recoveredAs(membership, nodeId, { clusterId, incarnation });
  return since === null ? null : { ...found, ...since };
}

export function bornAs(identity: Identity, clusterId: string): Identity {
  return { ...identity, clusterId, born: true };
}

/** Durable when it resolves. */
export async function writeIdentity(store: IdentityStore, identity: Identity): Promise<Identity> {
  await store.write(identity);
  return identity;
}

function freshIdentity(options: IdentityOptions, restored: Restored): Promise<Identity> {
  if (restored.last.index > 0 || restored.hardState.term > 0) {
    throw new WrongIdentity(
      `There is no identity file, but the database holds a log of ${restored.last.index} entries. Restore the file, ` +
        "or start with an empty directory and have the node replaced.",
    );
  }
  return writeIdentity(options.identity, {
    format: 2,
    clusterName: options.clusterName,
    nodeId: options.nodeId,
    incarnation: options.randomId(),
    clusterId: null,
    born: false,
    retired: null,
  });
}

function requireOwn(found: Identity, { nodeId, clusterName }: IdentityOptions): void {
  if (found.nodeId === nodeId && found.clusterName === clusterName) return;
  throw new WrongIdentity(
    `This data directory belongs to node "${found.nodeId}" of cluster "${found.clusterName}", but it was started as ` +
      `node "${nodeId}" of cluster "${clusterName}". Use the right directory, or correct the configuration.`,
  );
}
