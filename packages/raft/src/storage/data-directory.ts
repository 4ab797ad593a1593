/**
 * A node's data folder: the identity file and the database beside each other.
 *
 *     <dataDir>/identity.json   whose folder this is; says whether the database must exist
 *     <dataDir>/db/             LevelDB
 *     <dataDir>/DAMAGED         once damage was found: what it was
 *     <dataDir>/damaged/        files of a life that ended in damage, for inspection
 *     <dataDir>/EXECUTING       an entry that may have ended the process
 *
 * | Identity                  | Database  | Outcome                                                       |
 * |---------------------------|-----------|---------------------------------------------------------------|
 * | none                      | none      | both are created, the node is unborn                          |
 * | none                      | untouched | an identity is created: the first start was cut short         |
 * | none                      | in use    | refused: a node that forgot its name could vote twice         |
 * | other node, other cluster | any       | refused, both are named                                       |
 * | damaged                   | any       | refused: nothing says any more whose folder it is             |
 * | unborn                    | any       | opened, or created; set aside and created when damaged        |
 * | born                      | missing   | damage: it is never created again                             |
 * | born                      | there     | opened; or damage                                             |
 * | born, marked `DAMAGED`    | any       | damage, whatever is there now                                 |
 *
 * Damage of a born life ends it: the node goes on as a newcomer that names the life it retired (`retirement.ts`), or,
 * without `rebuild`, is refused with what was found.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ForgottenEntriesError, type Restored } from "../core/index.js";
import type { ExecutionNotes, Identity, IdentityStore, Storage } from "../ports/index.js";
import { markDamaged } from "./damage-marker.js";
import { markDiverged, refuseDiverged } from "./diverged-marker.js";
import { syncDirectory } from "./durable-file.js";
import { DamagedStorage, DivergedState, ForeignDataDirectory, StorageFailed } from "./errors.js";
import { openExecutionNotes } from "./execution-notes.js";
import { openIdentityFile } from "./identity.js";
import { openLevelStorage } from "./level-open.js";
import { type Retirement, retire } from "./retirement.js";
import { scrubTables } from "./table-scrub.js";

export interface DataDirectoryOptions {
  /** Created with mode 0700 when missing. */
  readonly directory: string;
  readonly nodeId: string;
  readonly clusterName: string;
  /** See `LevelStorageOptions.maxTailBytes`. */
  readonly maxTailBytes?: number;
  /** Name of a new disk's life. Default: 16 random bytes as hex. */
  readonly newIncarnation?: () => string;
  /**
   * A damaged disk begins a new life by itself, at most once an hour, and asks for its place. Not where nobody else
   * has what it held. Default: false, it is refused.
   */
  readonly rebuild?: boolean;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number;
}

export interface DataDirectory {
  /** Never empty: `read()` gives this node's identity, fresh and unborn on an empty folder. */
  readonly identity: IdentityStore;
  readonly storage: Storage;
  readonly executions: ExecutionNotes;
  /** What was damaged and is given up; null when nothing was. */
  readonly retirement: Retirement | null;
  /**
   * To be called with whatever went wrong while the node ran. True: it is damage, or another state than the others',
   * the folder is marked, and the node must end at once.
   */
  readonly failed: (error: unknown) => boolean;
  /**
   * Reads the database's files again and again, slowly, until stopped. `onEnd` hears of the first damage, or of a failed
   * read: something for `failed`, and the end of the node.
   */
  readonly scrub: (onEnd: (error: Error) => void) => () => void;
}

/** The identity store of a data folder, for tools that must not open the database. */
export function openIdentity(directory: string): IdentityStore {
  return openIdentityFile(join(directory, "identity.json"));
}

/**
 * @throws ForeignDataDirectory, DivergedState, DamagedStorage, UnknownFormat, StorageInUse, StorageFailed
 */
export async function openDataDirectory(options: DataDirectoryOptions): Promise<DataDirectory> {
  const directory = resolve(options.directory);
  createDirectory(directory);
  const identity = openIdentity(directory);
  const known = identity.read();
  if (known !== null) requireOwn(directory, known, options);
  refuseDiverged(directory);
  const { newIncarnation, now, rebuild = false } = options;
  const retirement = { directory, identity, rebuild, newIncarnation, now };

  const retired = await retire(retirement, null);
  try {
    return { ...(await openOwn(directory, identity, options)), retirement: retired };
  } catch (error) {
    const damage = damageIn(error);
    // A folder that has no name is not this node's to change; what was made just now would be as bad once more.
    if (damage === null || known === null || retired !== null) throw error;
    const found = await retire(retirement, damage);
    return { ...(await openOwn(directory, identity, options)), retirement: found };
  }
}

async function openOwn(
  directory: string,
  identity: IdentityStore,
  options: DataDirectoryOptions,
): Promise<Omit<DataDirectory, "retirement">> {
  const known = identity.read();
  const databaseDirectory = join(directory, "db");
  const databaseExisted = existsSync(join(databaseDirectory, "CURRENT"));
  const storage = await openLevelStorage({
    directory: databaseDirectory,
    mustExist: known?.born ?? false,
    ...(options.maxTailBytes === undefined ? {} : { maxTailBytes: options.maxTailBytes }),
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
    const executions = openExecutionNotes(directory);
    return {
      identity,
      storage,
      executions,
      failed: (error) => failed(directory, error),
      scrub: (onEnd) => scrubTables(databaseDirectory, onEnd),
    };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

function failed(directory: string, error: unknown): boolean {
  if (error instanceof DivergedState) {
    markDiverged(directory, error);
    return true;
  }
  const damage = damageIn(error);
  if (damage !== null) markDamaged(directory, damage);
  return damage !== null;
}

/** The damage behind a failure; null when it is another one. */
function damageIn(error: unknown): DamagedStorage | null {
  if (error instanceof DamagedStorage) return error;
  if (error instanceof ForgottenEntriesError) {
    const { acknowledged, lastIndex } = error;
    const expected = `entries up to ${acknowledged}, which this disk acknowledged to the leader`;
    return new DamagedStorage("the log", expected, `entries up to ${lastIndex}`, { cause: error });
  }
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
  return { format: 2, clusterName, nodeId, incarnation, clusterId: null, born: false, retired: null };
}
