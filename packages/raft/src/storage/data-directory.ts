/**
 * A node's data folder: the identity file and the database beside each other.
 *
 *     <dataDir>/identity.json   whose folder this is; says whether the database must exist
 *     <dataDir>/db/             LevelDB
 *     <dataDir>/DAMAGED         once damage was found: what it was
 *
 * | Identity                  | Database  | Outcome                                                       |
 * |---------------------------|-----------|---------------------------------------------------------------|
 * | none                      | none      | both are created, the node is unborn                          |
 * | none                      | untouched | an identity is created: the first start was cut short         |
 * | none                      | in use    | refused: a node that forgot its name could vote twice         |
 * | other node, other cluster | any       | refused, both are named                                       |
 * | unborn                    | any       | opened, or created                                            |
 * | born                      | missing   | refused as damage: it is never created again                  |
 * | born                      | there     | opened                                                        |
 * | born, marked `DAMAGED`    | any       | refused as damage, with what was found then                   |
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Restored } from "../core/index.js";
import type { Identity, IdentityStore, Storage } from "../ports/index.js";
import { markDamaged, refuseMarked } from "./damage-marker.js";
import { syncDirectory } from "./durable-file.js";
import { DamagedStorage, ForeignDataDirectory, StorageFailed } from "./errors.js";
import { openIdentityFile } from "./identity.js";
import { openLevelStorage } from "./level-open.js";

export interface DataDirectoryOptions {
  /** Created with mode 0700 when missing. */
  readonly directory: string;
  readonly nodeId: string;
  readonly clusterName: string;
  /** See `LevelStorageOptions.maxTailBytes`. */
  readonly maxTailBytes?: number;
  /** Name of a new disk's life. Default: 16 random bytes as hex. */
  readonly newIncarnation?: () => string;
}

export interface DataDirectory {
  /** Never empty: `read()` gives this node's identity, fresh and unborn on an empty folder. */
  readonly identity: IdentityStore;
  readonly storage: Storage;
  /** To be called with whatever ended the node: damage that a running node met marks the folder. */
  readonly failed: (error: unknown) => void;
}

/** The identity store of a data folder, for tools that must not open the database. */
export function openIdentity(directory: string): IdentityStore {
  return openIdentityFile(join(directory, "identity.json"));
}

/**
 * @throws ForeignDataDirectory, DamagedStorage, UnknownFormat, StorageInUse, StorageFailed
 */
export async function openDataDirectory(options: DataDirectoryOptions): Promise<DataDirectory> {
  const directory = resolve(options.directory);
  createDirectory(directory);
  const identity = openIdentity(directory);
  const known = identity.read();
  if (known !== null) requireOwn(directory, known, options);

  const failed = (error: unknown): void => {
    // A disk that has promised nothing to anybody may simply be made anew.
    const damage = damageIn(error);
    if (damage !== null && identity.read()?.born === true) markDamaged(directory, damage);
  };
  refuseMarked(directory);

  const databaseDirectory = join(directory, "db");
  const databaseExisted = existsSync(join(databaseDirectory, "CURRENT"));
  const storage = await openLevelStorage({
    directory: databaseDirectory,
    mustExist: known?.born ?? false,
    ...(options.maxTailBytes === undefined ? {} : { maxTailBytes: options.maxTailBytes }),
  }).catch((error: unknown) => {
    failed(error);
    throw error;
  });
  try {
    // From here on LevelDB's lock is ours: no other process changes the identity under our hands.
    const locked = identity.read();
    if (locked !== null) {
      requireOwn(directory, locked, options);
    } else {
      if (databaseExisted && !isUntouched(storage.restored)) refuseNameless(directory, storage.restored);
      await identity.write(unborn(options));
    }
    return { identity, storage, failed };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** The damage behind a failure; null when it is another one. */
function damageIn(error: unknown): DamagedStorage | null {
  if (error instanceof DamagedStorage) return error;
  return error instanceof Error && error.cause !== undefined ? damageIn(error.cause) : null;
}

function createDirectory(directory: string): void {
  try {
    if (mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined)
      syncDirectory(dirname(directory));
  } catch (error) {
    throw new StorageFailed(`create the data folder ${directory}`, error);
  }
}

function requireOwn(
  directory: string,
  found: Identity,
  wanted: { nodeId: string; clusterName: string },
): void {
  if (found.nodeId === wanted.nodeId && found.clusterName === wanted.clusterName) return;
  throw new ForeignDataDirectory(
    `the data folder ${directory} belongs to node ${found.nodeId} of cluster ${found.clusterName}, ` +
      `but this is node ${wanted.nodeId} of cluster ${wanted.clusterName}. ` +
      "Give this node its own data folder, or correct the configured node id and cluster name.",
  );
}

/** A database that has promised nothing to anybody yet. */
function isUntouched({ hardState, last, applied }: Restored): boolean {
  return hardState.term === 0 && hardState.vote === null && last.index === 0 && applied === 0;
}

function refuseNameless(directory: string, { hardState, last }: Restored): never {
  throw new ForeignDataDirectory(
    `the data folder ${directory} holds a database (term ${hardState.term}, last entry ${last.index}) but no identity file. ` +
      "Expected identity.json beside it: restore that file from where it went, or start with an empty folder and replace the node.",
  );
}

function unborn({ nodeId, clusterName, newIncarnation }: DataDirectoryOptions): Identity {
  const incarnation = newIncarnation?.() ?? randomBytes(16).toString("hex");
  return { format: 1, clusterName, nodeId, incarnation, clusterId: null, born: false };
}
