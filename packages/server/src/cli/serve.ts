/** `quorate serve`: one node in this process, until a signal or a failure ends it. */
import { pino } from "pino";
import type { Sources } from "../config/index.js";
import { startNode } from "../node.js";
import { ServiceLoadError } from "../services/load-error.js";
import { CommandFailed, exitCodes } from "./exit-codes.js";
import { readConfigOrFail } from "./read-config.js";

export async function serve(sources: Sources, holdBefore?: number): Promise<void> {
  const config = readConfigOrFail(sources);
  const log = pino({ level: config.logLevel, base: { pid: process.pid, node: config.node } });
  const started = startNode(config, {
    log,
    ...(holdBefore !== undefined && { holdBefore }),
    // The line must be on its way before the process ends: pino writes to standard output synchronously.
    onFatal: (error) => {
      log.fatal({ err: error }, `this node stops: ${error.message}`);
      process.exit(exitCodes.failure);
    },
  });
  let stopping = false;
  const stop = (why: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ why }, "stopping");
    started
      .then((node) => node.stop())
      .then(
        () => process.exit(exitCodes.success),
        (error: unknown) => {
          log.fatal({ err: error }, "stopping failed");
          process.exit(exitCodes.failure);
        },
      );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  // Ctrl-C reaches the whole process group: a node that `quorate dev` started leaves it to its parent.
  process.on("SIGINT", () => (process.channel === undefined ? stop("SIGINT") : undefined));
  process.on("disconnect", () => stop("the parent process is gone"));
  try {
    await started;
    // A parent that waits (`quorate dev`) learns that it is this process that listens, no other one.
    if (process.connected) process.send?.("started");
  } catch (error) {
    // What only a person can put right is not worth another start.
    const exitCode = error instanceof ServiceLoadError ? exitCodes.usage : exitCodes.failure;
    throw new CommandFailed(error instanceof Error ? error.message : String(error), exitCode);
  }
}
