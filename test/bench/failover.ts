/** How long writes stop when the leader is killed (kill -9), with default settings. */
import { Cluster, until } from "../cluster/cluster.js";
import { attempt } from "../cluster/workload.js";

/** The longest time between two acknowledged writes around each kill, in milliseconds. */
export async function measureFailover(
  rounds: number,
  progress: (text: string) => void,
): Promise<readonly number[]> {
  await using cluster = await Cluster.start({ nodes: 3 });
  const gaps: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const leader = await cluster.leader();
    const survivors = cluster.nodes.filter((node) => node !== leader);
    const acknowledged: number[] = [];
    let stopped = false;
    const writers = survivors.map(async (node, index) => {
      for (let count = 0; !stopped; count++) {
        const end = await attempt(node.url, "kv.set", [`failover/${index}`, count]);
        if (end.kind === "ok") acknowledged.push(performance.now());
      }
    });
    await until("writes before the kill", async () => (acknowledged.length > 50 ? true : undefined));
    const killedAt = performance.now();
    await leader.kill("SIGKILL");
    await until("writes after the kill", async () =>
      acknowledged.filter((at) => at > killedAt + 1000).length > 50 ? true : undefined,
    );
    stopped = true;
    await Promise.all(writers);
    gaps.push(longestGap(acknowledged));
    progress(`fail-over ${round + 1}/${rounds}: ${gaps.at(-1)?.toFixed(0)} ms`);
    leader.start();
    await leader.ready();
  }
  return gaps;
}

function longestGap(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.max(...sorted.slice(1).map((at, index) => at - (sorted[index] ?? at)));
}
