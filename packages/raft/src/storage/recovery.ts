/**
 * A survivor of a lost majority goes on alone: what its folder holds, and the change itself, both offline.
 *
 *     1. one synced batch   the record of the recovery: term, and the entry of the new cluster's membership
 *     2. identity.json      the new cluster id and incarnation
 *
 * A crash before 1 is durable leaves the folder as it was. After it the folder is the new cluster's: whoever opens it
 * next, this again or the node itself, brings the identity file up to date.
 */
import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import {
  type Index,
  isOnlyVoter,
  type Life,
  type LogId,
  type Member,
  type PlacedMembership,
  type Restored,
  recoveredAs,
  recoveryRecord,
  survivorIn,
  type Term,
} from "../core/index.js";
import type { Identity } from "../ports/index.js";
import { refuseMarked } from "./damage-marker.js";
import { openDataDirectory, openIdentity } from "./data-directory.js";
import { RecoveryRefused } from "./errors.js";
import { noNodesFolder, openLogReadOnly } from "./read-only.js";

/** What a survivor's folder holds, and what recovering it would be. */
export interface RecoverySurvey {
  readonly directory: string;
  readonly clusterName: string;
  /** Before the recovery. */
  readonly life: Life;
  /** How the membership describes this disk. */
  readonly survivor: Member;
  readonly term: Term;
  /** Survivors are compared by it: the later term, then the higher index, holds more. */
  readonly last: LogId;
  /** Entries up to here are known to be committed. */
  readonly committed: Index;
  readonly applied: Index;
  /** In force, committed or not. */
  readonly membership: PlacedMembership;
  /** The record is written already, and the identity file is not: what the disk is to be. */
  readonly begun: Life | null;
}

/** Reported before each step, so that a person, or a test, sees how far it came. */
export type RecoveryStep = "record" | "identity" | "done";

export interface RecoveryOptions {
  readonly directory: string;
  /** Default: 16 random bytes each, as hex. */
  readonly next?: Life;
  readonly onStep?: (step: RecoveryStep) => void;
}

/**
 * Changes no byte of the folder.
 *
 * @throws RecoveryRefused, ForeignDataDirectory, DamagedStorage, UnknownFormat, StorageInUse, StorageFailed
 */
export async function surveyForRecovery(directory: string): Promise<RecoverySurvey> {
  const path = resolve(directory);
  refuseMarked(path);
  const { identity, restored, close } = await openLogReadOnly(path);
  try {
    return surveyOf(path, identity, restored);
  } finally {
    await close();
  }
}

/**
 * Makes the stopped node of this folder the only voter of a new cluster; returns what its disk is from now on.
 *
 * @throws as `surveyForRecovery`; nothing was changed then, or it can be called again
 */
export async function recoverDataDirectory(options: RecoveryOptions): Promise<Life> {
  const directory = resolve(options.directory);
  const onStep = options.onStep ?? (() => undefined);
  const known = openIdentity(directory).read();
  // Opening would make a folder of an empty one.
  if (known === null) throw noNodesFolder(directory);
  lifeOf(directory, known);
  const { nodeId, clusterName } = known;
  const { identity, storage } = await openDataDirectory({ directory, nodeId, clusterName });
  try {
    // Under the lock: it may have changed since.
    const found = identity.read() ?? known;
    const survey = surveyOf(directory, found, storage.restored);
    const next = survey.begun ?? options.next ?? { clusterId: randomName(), incarnation: randomName() };
    onStep("record");
    if (survey.begun === null) {
      const { hardState, entry } = recoveryRecord(storage.restored, survey.survivor, survey.life, next);
      const nothingElse = { compactTo: 0, effects: [], applied: null, chunk: null, install: null };
      await storage.write({ hardState, entries: [entry], ...nothingElse });
    }
    onStep("identity");
    await identity.write({ ...found, ...next });
    onStep("done");
    return next;
  } finally {
    await storage.close();
  }
}

function surveyOf(directory: string, identity: Identity, restored: Restored): RecoverySurvey {
  const { nodeId, clusterName } = identity;
  const life = lifeOf(directory, identity);
  const { hardState, last, applied, membership: placed } = restored;
  if (placed === null || last.index === 0) {
    throw new RecoveryRefused(
      `${directory} holds nothing of its cluster yet: ${nodeId} was admitted and had received nothing. Recover another node`,
    );
  }
  const { membership } = placed;
  const begun = recoveredAs(membership, nodeId, life);
  if (begun === null && membership.clusterId !== life.clusterId) {
    throw new RecoveryRefused(
      `${directory} is of two nodes: its identity file names the cluster ${life.clusterId}, its database ${membership.clusterId}. ` +
        "Put it back together as it was",
    );
  }
  const survivor = survivorIn(membership, nodeId, (begun ?? life).incarnation);
  if (survivor === undefined) {
    const ids = membership.members.map(({ id }) => id).join(", ");
    throw new RecoveryRefused(
      `${nodeId} (incarnation ${life.incarnation}) is no member by the membership that ${directory} holds (${ids}): it was ` +
        "removed or replaced, or had not caught up to where it joined. Recover one of those",
    );
  }
  if (begun === null && isOnlyVoter(membership, nodeId)) {
    throw new RecoveryRefused(
      `${nodeId} is the only voter of its cluster ${life.clusterId} already: there is nothing to recover. Start it`,
    );
  }
  return {
    directory,
    clusterName,
    life,
    survivor,
    term: hardState.term,
    last,
    committed: Math.max(hardState.commit, applied),
    applied,
    membership: placed,
    begun,
  };
}

function lifeOf(directory: string, { nodeId, clusterId, incarnation, born }: Identity): Life {
  if (born && clusterId !== null) return { clusterId, incarnation };
  throw new RecoveryRefused(
    `${join(directory, "identity.json")} says that ${nodeId} never belonged to a cluster: there is nothing to recover. ` +
      "Start it as a new node, or name the folder of another one",
  );
}

function randomName(): string {
  return randomBytes(16).toString("hex");
}
