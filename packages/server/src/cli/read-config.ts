/** The configuration of a command that needs one. */
import { ConfigError, type NodeConfig, readConfig, type Sources } from "../config/index.js";
import { CommandFailed, exitCodes } from "./exit-codes.js";

/** @throws CommandFailed, with every problem in its text */
export function readConfigOrFail(sources: Sources): NodeConfig {
  try {
    return readConfig(sources);
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandFailed(error.message, exitCodes.usage);
    throw error;
  }
}
