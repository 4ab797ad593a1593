/**
 * `quorate recover DIR`: a survivor of a lost majority goes on alone, as the only voter of a new cluster. First a plan,
 * of which not one byte of the folder changes; `--yes` carries it out.
 */
import { statSync } from "node:fs";
import {
  DamagedStorage,
  ForeignDataDirectory,
  RecoveryRefused,
  type RecoverySurvey,
  recoverDataDirectory,
  StorageInUse,
  surveyForRecovery,
} from "@quorate/raft/level";
import { CommandFailed, exitCodes } from "./exit-codes.js";
import type { OutputFormat } from "./output.js";
import { readConfigOrFail } from "./read-config.js";
import { comparisonText, doneText, planText } from "./recover-text.js";
import { planFor, type RecoveryPlan, ranked } from "./recovery-plan.js";

export interface RecoverOptions {
  readonly directories: readonly string[];
  /** Carry it out. */
  readonly execute: boolean;
  readonly output: OutputFormat;
}

/** The data folder by a config file, with `QUORATE_…` variables as `serve` takes them. */
export function folderOf(file: string, node: string | undefined): string {
  const flags: Record<string, string> = node === undefined ? {} : { node };
  return readConfigOrFail({ file, flags, environment: process.env, directory: process.cwd() }).dataDir;
}

/** @throws CommandFailed */
export async function recover({ directories, execute, output }: RecoverOptions): Promise<string> {
  const [first, ...others] = directories;
  if (first === undefined) throw new CommandFailed("no data folder was named", exitCodes.usage);
  if (others.length > 0) return compare(directories, execute, output);
  const plan = await planFor(await translated(() => surveyForRecovery(first)));
  if (!execute) return output === "json" ? json({ ...facts(plan), executed: false }) : planText(plan);
  if (plan.majorityRuns) throw aliveRefusal(plan);
  const next = await translated(async () => {
    actAsOwnerOf(first);
    return recoverDataDirectory({ directory: first });
  });
  return output === "json" ? json({ ...facts(plan), executed: true, next }) : doneText(plan, next);
}

async function compare(
  directories: readonly string[],
  execute: boolean,
  output: OutputFormat,
): Promise<string> {
  if (execute) {
    throw new CommandFailed("--yes takes one folder: the one that a comparison recommends", exitCodes.usage);
  }
  const surveys: RecoverySurvey[] = [];
  for (const directory of directories) surveys.push(await translated(() => surveyForRecovery(directory)));
  const ids = new Set(surveys.map(({ life }) => life.clusterId));
  if (ids.size > 1) {
    const named = surveys.map(({ directory, life }) => `${directory} (${life.clusterId})`).join(", ");
    throw new CommandFailed(
      `these folders are of different clusters and cannot be compared: ${named}`,
      exitCodes.refused,
    );
  }
  const order = ranked(surveys);
  const [best] = order;
  if (best === undefined) throw new CommandFailed("no data folder was named", exitCodes.usage);
  const plan = await planFor(best);
  if (output === "table") return `${comparisonText(order)}\n\n${planText(plan)}`;
  return json({ ...facts(plan), executed: false, compared: order.map(position) });
}

function aliveRefusal({ running, survivor }: RecoveryPlan): CommandFailed {
  return new CommandFailed(
    `nothing was changed: ${[...running].join(", ")} ${running.size === 1 ? "runs" : "run"}, and with ${survivor.id} ` +
      `that is a majority. The cluster is not lost: start ${survivor.id}. To split ${survivor.id} off all the same, ` +
      "stop them first",
    exitCodes.refused,
  );
}

/** What root writes, the node could not read afterwards: from here on this process is the folder's owner. */
function actAsOwnerOf(directory: string): void {
  const { uid, gid } = statSync(directory);
  if (uid === 0 || process.getuid?.() !== 0) return;
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refused(error);
  }
}

function refused(error: unknown): unknown {
  if (error instanceof RecoveryRefused) return new CommandFailed(error.message, exitCodes.refused);
  if (error instanceof ForeignDataDirectory) return new CommandFailed(error.message, exitCodes.usage);
  if (error instanceof StorageInUse) {
    return new CommandFailed(`a running node uses ${error.directory}; stop it first`, exitCodes.inUse);
  }
  if (error instanceof DamagedStorage) {
    return new CommandFailed(
      `${error.place}: expected ${error.expected}, found ${error.found}. What a damaged folder has forgotten nobody can ` +
        "tell, so it is not recovered. Recover another survivor; if there is none, keep this folder for inspection " +
        "(quorate log reads what can be read) and begin a new cluster from a backup",
      exitCodes.refused,
    );
  }
  return error instanceof Error ? new CommandFailed(error.message, exitCodes.failure) : error;
}

function position({ directory, survivor, term, last, committed, applied }: RecoverySurvey) {
  return {
    directory,
    node: survivor.id,
    term,
    lastTerm: last.term,
    lastIndex: last.index,
    committed,
    applied,
  };
}

function facts(plan: RecoveryPlan) {
  const { clusterName, life, last, committed, membership, running, majorityRuns, begun } = plan;
  return {
    ...position(plan),
    cluster: clusterName,
    clusterId: life.clusterId,
    uncertain: committed < last.index ? { from: committed + 1, to: last.index } : null,
    membershipIndex: membership.index,
    membership: membership.membership,
    running: [...running],
    majorityRuns,
    begun,
  };
}

const json = (report: object): string => JSON.stringify(report, null, 2);
