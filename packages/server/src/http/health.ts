/** Probes for load balancers, supervisors and operators: `/leader`, `/livez`, `/readyz`. */
import type { NodeStatus } from "@quorate/raft";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Committed entries that may wait for execution on a node that still counts as ready. */
const applyLagMax = 100;

/** What must hold for a node to be sent traffic. */
export function readinessChecks(status: NodeStatus, draining: boolean): readonly Check[] {
  const lag = Math.max(0, status.commit - status.applied);
  return [
    {
      name: "born",
      ok: status.born,
      detail: status.born
        ? "the cluster is founded"
        : status.rebuilding.includes(status.id)
          ? "the disk was damaged and begins anew: waiting for the leader to give this node its place again"
          : `waiting for ${status.missing.join(", ") || "the founding member"}`,
    },
    {
      name: "member",
      ok: !status.removed,
      detail: status.removed ? "this node was removed from the cluster" : "it was not removed",
    },
    {
      name: "leader",
      ok: status.leader !== null,
      detail: status.leader === null ? "no leader is known" : `${status.leader} leads in term ${status.term}`,
    },
    {
      name: "applied",
      ok: lag <= applyLagMax && status.held === null,
      detail:
        status.held === null
          ? `${lag} committed entries are not executed yet`
          : `execution is held before entry ${status.held.index}: ${status.held.why}`,
    },
    { name: "serving", ok: !draining, detail: draining ? "this node is stopping" : "this node takes calls" },
  ];
}

/**
 * The HTTP status of `/readyz`.
 *
 * @param tellStopping 404 while nothing is wrong but that the node is stopping: a load balancer that knows the
 *   difference (HAProxy, `http-check disable-on-404`) sends no new calls there and lets those under way end
 */
export function readinessStatus(checks: readonly Check[], tellStopping: boolean): 200 | 404 | 503 {
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length === 0) return 200;
  return tellStopping && failed.every(({ name }) => name === "serving") ? 404 : 503;
}

export function describeChecks(checks: readonly Check[]): string {
  return checks.map(({ name, ok, detail }) => `${ok ? "ok  " : "FAIL"} ${name}: ${detail}\n`).join("");
}
