/** What `quorate recover` decides by: the folder of a survivor, and who answers besides. */
import { voteResult } from "@quorate/raft/core";
import type { RecoverySurvey } from "@quorate/raft/level";
import { runningMembers } from "./running-members.js";

export interface RecoveryPlan extends RecoverySurvey {
  /** Ids of other members that run right now. */
  readonly running: ReadonlySet<string>;
  /** Together with this node they are a majority: the cluster is not lost. */
  readonly majorityRuns: boolean;
}

export async function planFor(survey: RecoverySurvey): Promise<RecoveryPlan> {
  const { membership } = survey.membership;
  const others = membership.members.filter(({ id }) => id !== survey.survivor.id);
  const running = await runningMembers(others, survey.life.clusterId);
  const votes = new Map([...running, survey.survivor.id].map((id) => [id, true] as const));
  return { ...survey, running, majorityRuns: running.size > 0 && voteResult(membership, votes) === "won" };
}

/** Who holds more comes first. */
export function ranked(surveys: readonly RecoverySurvey[]): readonly RecoverySurvey[] {
  return [...surveys].sort((a, b) => b.last.term - a.last.term || b.last.index - a.last.index);
}
