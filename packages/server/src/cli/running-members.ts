/** Which members of a cluster answer right now: for a command that must not run while they do. */
import type { Member } from "@quorate/raft";

const timeoutMs = 2000;

/** Ids of those whose address is answered by a node of that id and cluster. Who does not answer may live all the same. */
export async function runningMembers(
  members: readonly Member[],
  clusterId: string,
): Promise<ReadonlySet<string>> {
  const answers = await Promise.all(
    members.map(async (member) => ((await isRunning(member, clusterId)) ? [member.id] : [])),
  );
  return new Set(answers.flat());
}

async function isRunning({ id, http }: Member, clusterId: string): Promise<boolean> {
  try {
    const response = await fetch(new URL("/status", http), { signal: AbortSignal.timeout(timeoutMs) });
    const status: unknown = await response.json();
    if (typeof status !== "object" || status === null) return false;
    const fields = new Map<string, unknown>(Object.entries(status));
    return fields.get("node") === id && fields.get("clusterId") === clusterId;
  } catch {
    // Refused, silent, or somebody else: it does not answer as that node.
    return false;
  }
}
