/** What `quorate recover` tells a person: the plan, the comparison of survivors, and what was done. */
import type { Life, Membership } from "@quorate/raft/core";
import type { RecoverySurvey } from "@quorate/raft/level";
import { table } from "./output.js";
import type { RecoveryPlan } from "./recovery-plan.js";

export function planText(plan: RecoveryPlan): string {
  const { survivor, clusterName, directory, begun } = plan;
  const command = `To carry it out: quorate recover ${shown(directory)} --yes`;
  if (begun !== null) {
    return [
      `PLAN: finish the recovery of ${survivor.id} as cluster "${clusterName}" with id ${begun.clusterId}, which was cut short.`,
      factsText(plan),
      `Only identity.json lacks it. The start of ${survivor.id} finishes it as well.`,
      command,
    ].join("\n\n");
  }
  return [
    `PLAN: ${survivor.id} goes on alone, as the only voter of a new cluster "${clusterName}". Nothing has been changed.`,
    ...warning(plan),
    factsText(plan),
    membersText(plan),
    logText(plan),
    lossText(plan),
    afterwardsText(plan),
    command,
  ].join("\n\n");
}

/** Best first. */
export function comparisonText(surveys: readonly RecoverySurvey[]): string {
  const rows = surveys.map(({ survivor, directory, last, committed, applied }) => [
    survivor.id,
    last.term,
    last.index,
    committed,
    applied,
    directory,
  ]);
  const compared = table(["NODE", "LAST TERM", "LAST INDEX", "COMMITTED", "EXECUTED", "FOLDER"], rows);
  const [best, ...others] = surveys;
  if (best === undefined) return compared;
  const same = others.filter(({ last }) => last.term === best.last.term && last.index === best.last.index);
  const why =
    same.length === others.length
      ? "all of them hold the same log; one is as good as another"
      : "its last entry has the highest term, and the highest index in it";
  return `${compared}\n\nChoose ${best.survivor.id} (${best.directory}): ${why}.`;
}

export function doneText({ survivor, clusterName, life }: RecoveryPlan, next: Life): string {
  return [
    `${survivor.id} is the only voter of the cluster "${clusterName}" with the new id ${next.clusterId} (before: ${life.clusterId}).`,
    `Next: start ${survivor.id} with its config as it is. Empty the data folders of the other machines, start their nodes, and ` +
      "run the `quorate add` line that each of them says. A token from a `Quorate-Index` header of the old cluster is refused.",
  ].join("\n");
}

function warning({ majorityRuns, running, survivor }: RecoveryPlan): string[] {
  if (!majorityRuns) return [];
  return [
    `WARNING: ${list([...running])} ${running.size === 1 ? "runs" : "run"}, and with ${survivor.id} that is a MAJORITY. ` +
      `The cluster is not lost.\nStart ${survivor.id} instead. --yes is refused while they run.`,
  ];
}

function factsText(plan: RecoveryPlan): string {
  const { directory, survivor, clusterName, life, term, last, committed, applied } = plan;
  const rows = [
    ["folder", directory],
    ["node", `${survivor.id}, incarnation ${life.incarnation}`],
    ["cluster", `${clusterName}, id ${life.clusterId}`],
    ["term", String(term)],
    ["last entry", `term ${last.term}, index ${last.index}`],
    ["committed", `up to index ${committed}, as far as this node knows`],
    ["executed", `up to index ${applied}`],
  ];
  const width = Math.max(...rows.map(([name = ""]) => name.length));
  return rows.map(([name = "", text = ""]) => `${name.padEnd(width)}  ${text}`).join("\n");
}

function membersText({
  membership: { index, membership },
  survivor,
  running,
  committed,
}: RecoveryPlan): string {
  const rows = membership.members.map(({ id, http }) => [
    id,
    roleOf(membership, id),
    id === survivor.id ? "the only voter" : "dropped",
    id === survivor.id ? "this folder" : running.has(id) ? `RUNS at ${http}` : `does not answer at ${http}`,
  ]);
  const certainty = index <= committed ? "committed" : "not known to be committed";
  return `Members by entry ${index} (${certainty}):\n${table(["ID", "ROLE", "AFTERWARDS", "NOW"], rows)}`;
}

function roleOf(membership: Membership, id: string): string {
  if (membership.learners.includes(id)) return "learner";
  if (membership.voters.includes(id)) return "voter";
  return membership.votersOutgoing.includes(id) ? "voter, leaving" : "joining";
}

function logText({ committed, last }: RecoveryPlan): string {
  const known = `What stays: everything up to entry ${committed}, which is known to be committed`;
  if (committed >= last.index) return `${known}. Nothing lies behind it.`;
  const entries =
    committed + 1 === last.index ? `entry ${last.index}` : `entries ${committed + 1} to ${last.index}`;
  return (
    `${known};\nand ${entries}, of which this node does not know. An acknowledged write may be among them, so they are ` +
    "kept\nand become committed: a call that was answered with an error, or not at all, may turn out to be executed."
  );
}

function lossText({ membership: { membership }, survivor, last }: RecoveryPlan): string {
  const others = membership.members.map(({ id }) => id).filter((id) => id !== survivor.id);
  return [
    `What may be lost: writes that ${list(others)} acknowledged without ${survivor.id}, behind entry ${last.index}. Nobody can`,
    "tell from this folder whether there are any. So run this on every surviving folder, and recover the one whose last",
    "entry has the highest term and, where that is the same, the highest index; named together they are compared.",
    `A machine that is only switched off or cut off cannot be seen from here: if a majority can come back, start it instead.`,
  ].join("\n");
}

function afterwardsText({ survivor, membership: { membership } }: RecoveryPlan): string {
  const others = membership.members.map(({ id }) => id).filter((id) => id !== survivor.id);
  return [
    `Afterwards: the cluster has a new id. ${list(others)}, should they come back with their old folders, and ${survivor.id}`,
    "refuse each other by name. Empty their folders, start them, and admit them with `quorate add`. Tokens of `Quorate-Index`",
    "from before are refused.",
  ].join("\n");
}

function list(ids: readonly string[]): string {
  if (ids.length < 2) return ids.join("");
  return `${ids.slice(0, -1).join(", ")} and ${ids.at(-1)}`;
}

const shown = (path: string) => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
