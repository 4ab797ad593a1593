/** What the command's exit status says; documented in the package's README. */
export const exitCodes = {
  success: 0,
  /** A node failed and stopped itself, or something unexpected happened. */
  failure: 1,
  /** The command line or the configuration is wrong; nothing was started. */
  usage: 2,
  /** The call was answered with a fault; of `bench`: calls failed. */
  fault: 3,
  /** No node could be reached. */
  unreachable: 4,
  /** A running node uses the data folder that was to be read. */
  inUse: 5,
  /** `recover`: the node must not, need not or cannot go on alone; nothing was changed. */
  refused: 6,
} as const;

/** Ends the command with a sentence on standard error and a documented exit code. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}
