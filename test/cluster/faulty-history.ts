/** Concurrent clients on a cluster whose leader is killed and paused in turn: the history that they saw. */
import { type Cluster, until } from "./cluster.js";
import { type RegisterHistory, startWorkload } from "./workload.js";

/**
 * Runs the clients through two kills and two pauses of the leader.
 * @param beforeEnd runs while the clients still call and every node is up
 */
export async function historyUnderFaults(
  cluster: Cluster,
  beforeEnd: () => Promise<void> = async () => undefined,
): Promise<RegisterHistory> {
  let stopped = false;
  const workload = startWorkload({
    urls: cluster.nodes.map((node) => node.url),
    clients: 10,
    keys: 5,
    stopped: () => stopped,
    callsMax: 20_000,
  });
  const progress = async (count: number) => {
    const goal = workload.answered() + count;
    await until(`${count} more answers`, async () => (workload.answered() >= goal ? true : undefined));
  };
  for (const fault of ["kill", "pause", "kill", "pause"] as const) {
    await progress(200);
    const leader = await cluster.leader();
    if (fault === "kill") {
      await leader.kill("SIGKILL");
      await progress(200);
      leader.start();
    } else {
      leader.pause();
      await cluster.leader(cluster.nodes.filter((node) => node !== leader));
      await progress(50);
      leader.resume();
    }
    await leader.ready();
  }
  await beforeEnd();
  stopped = true;
  await workload.done;
  return workload.history;
}
