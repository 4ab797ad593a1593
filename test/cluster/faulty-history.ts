/** Concurrent clients on a cluster whose leader is killed and paused in turn: the history that they saw. */
import { type Cluster, until } from "./cluster.js";
import { type RegisterHistory, runWorkload } from "./workload.js";

const keys = 5;
/** A bound, so that the history stays checkable. */
const callsMax = 20_000;

/**
 * Runs the clients through two kills and two pauses of the leader.
 * @param beforeEnd runs while the clients still call and every node is up
 */
export async function historyUnderFaults(
  cluster: Cluster,
  beforeEnd: () => Promise<void> = async () => undefined,
): Promise<RegisterHistory> {
  const history: RegisterHistory = [];
  let [stopped, answered] = [false, 0];
  const done = runWorkload({
    url: () => cluster.nodes[Math.floor(Math.random() * cluster.nodes.length)]?.url ?? "",
    clients: 10,
    key: () => `k${Math.floor(Math.random() * keys)}`,
    next: () => !stopped && history.length < callsMax,
    onCall: (operation) => {
      history.push(operation);
      if (operation.outcome.kind === "ok") answered++;
    },
  });
  const progress = async (count: number) => {
    const goal = answered + count;
    await until(`${count} more answers`, async () => (answered >= goal ? true : undefined));
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
  await done;
  return history;
}
