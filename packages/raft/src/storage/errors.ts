/** Every way in which this folder refuses. Each message says what was expected, what came, and what to do. */

/**
 * What lies on the disk contradicts itself or its checksums. The node must not take part with it: a
 * server that forgets what it acknowledged can break Raft.
 */
export class DamagedStorage extends Error {
  override readonly name = "DamagedStorage";
  /**
   * @param place directory or file, and which record
   * @param expected what a sound disk would hold there
   * @param found what it holds
   * @param options `advice`: what an operator does, when it is something else than usual
   */
  constructor(
    readonly place: string,
    readonly expected: string,
    readonly found: string,
    options: ErrorOptions & { readonly advice?: string } = {},
  ) {
    const advice =
      options.advice ??
      "Do not start this node with this folder again; keep it for inspection and replace the node.";
    super(`damaged storage: ${place}: expected ${expected}, found ${found}. ${advice}`, options);
  }
}

/**
 * From the same log this node came to another state than a majority of the voters. Its log is sound, its answers are
 * not: it stops, and does not start again with this folder.
 */
export class DivergedState extends Error {
  override readonly name = "DivergedState";
  /** @param finding what was compared, and what a majority has */
  constructor(readonly finding: string) {
    super(
      `diverged state: ${finding}. Keep this node's data folder for inspection, and give its place to an empty one ` +
        "(quorate replace).",
    );
  }
}

/** The disk was written by another version of the format: neither damage nor something to guess about. */
export class UnknownFormat extends Error {
  override readonly name = "UnknownFormat";
  constructor(
    readonly place: string,
    readonly found: number | string,
    readonly supported: number,
  ) {
    super(
      `unknown format: ${place} has format ${found}, this version reads format ${supported}. ` +
        "Start the version of the program that wrote it.",
    );
  }
}

/**
 * The operating system or LevelDB failed a read or a write. Final: what a failed fsync left behind is
 * unknown, and repeating it does not tell (Rebello et al., "Can Applications Recover from fsync
 * Failures?", USENIX ATC 2020). The process must end.
 */
export class StorageFailed extends Error {
  override readonly name = "StorageFailed";
  constructor(doing: string, cause: unknown) {
    super(
      `storage failed: ${doing}: ${describe(cause)}. ` +
        "Nothing more is written; check the disk (space, permissions, kernel log), then start the process again.",
      { cause },
    );
  }
}

/** Another process (or another part of this one) holds the database. */
export class StorageInUse extends Error {
  override readonly name = "StorageInUse";
  constructor(
    readonly directory: string,
    options?: ErrorOptions,
  ) {
    super(
      `storage in use: another process uses ${directory}. ` +
        "Two nodes never share a data folder: stop the other one, or give this node a folder of its own.",
      options,
    );
  }
}

/** The data folder belongs to another node or cluster, or to an identity that no longer fits its database. */
export class ForeignDataDirectory extends Error {
  override readonly name = "ForeignDataDirectory";
}

/** The node of this folder cannot go on alone, or need not. Nothing was changed; the text says what to do. */
export class RecoveryRefused extends Error {
  override readonly name = "RecoveryRefused";
}

/** The caller broke a promise of the port: a bug, never a state of the disk. Nothing was written. */
export class StorageMisuse extends Error {
  override readonly name = "StorageMisuse";
  constructor(message: string) {
    super(`storage misuse: ${message}`);
  }
}

/** One line about anything thrown, with the causes that LevelDB hides one level down. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
