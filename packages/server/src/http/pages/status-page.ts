/** How this node and its cluster are, for people: a plain page, at the moment in which it is asked for. */
import type { MemberReport, StatusReport } from "../../cluster/status.js";
import { escapeHtml, page } from "./page.js";

export function statusPage(
  status: StatusReport,
  members: readonly MemberReport[],
  methodsPath: string,
): string {
  const facts: readonly (readonly [name: string, value: string | number])[] = [
    ["Node", status.node],
    ["Role", status.role],
    ["Leader", status.leader ?? "none known"],
    ["Term", status.term],
    ["Service", status.service],
    ["Committed", status.commitIndex],
    ["Executed", status.appliedIndex],
    ["Nodes that may fail", status.role === "leader" ? status.failureTolerance : "the leader knows"],
  ];
  return page(
    `Cluster ${status.cluster}`,
    `<header>
<h1>Cluster ${escapeHtml(status.cluster)}</h1>
<p>${verdict(status)}</p>
<nav aria-label="Pages"><a href="${escapeHtml(methodsPath)}">Methods</a> · <a href="/status">status as JSON</a> · <a href="/metrics">metrics</a> · <a href="/readyz?verbose">readiness</a></nav>
</header>
<main>
<h2>This node</h2>
<div class="wide"><table>
<tbody>
${facts.map(([name, value]) => `<tr><th scope="row">${name}</th><td>${escapeHtml(String(value))}</td></tr>`).join("\n")}
</tbody>
</table></div>
<h2>Members</h2>
<div class="wide"><table>
<thead><tr><th scope="col">Id</th><th scope="col">Role</th><th scope="col">Address</th><th scope="col">Seen from here</th></tr></thead>
<tbody>
${members.map((member) => memberRow(member, status.node)).join("\n")}
</tbody>
</table></div>
</main>`,
  );
}

/** In a sentence, what an operator wants to know first. */
function verdict({ born, missing, rebuilding, leader, node, serves }: StatusReport): string {
  if (!born && rebuilding.includes(node)) {
    return '<strong class="bad">Rebuilt</strong>: the disk was damaged; waiting for the leader to give this node its place again.';
  }
  if (!born) {
    return `<strong class="bad">Not founded yet</strong>: waiting for ${escapeHtml(missing.join(", ") || "the founding member")}.`;
  }
  if (leader === null)
    return '<strong class="bad">No leader is known here</strong>: calls wait, or are refused.';
  if (leader !== node) return `<strong class="good">In order</strong>: ${escapeHtml(leader)} leads.`;
  if (serves) return '<strong class="good">In order</strong>: this node leads.';
  return "This node leads, and is about to take calls.";
}

function memberRow(
  { id, role, http, leader, connected, rebuilding }: MemberReport,
  thisNode: string,
): string {
  const seen =
    id === thisNode ? "this node" : connected ? "connected" : '<span class="bad">not connected</span>';
  return (
    `<tr><th scope="row">${escapeHtml(id)}</th><td>${role}${leader ? ", leader" : ""}${rebuilding ? ", rebuilt after damage" : ""}</td>` +
    `<td><a href="${escapeHtml(`${http}/`)}">${escapeHtml(http)}</a></td><td>${seen}</td></tr>`
  );
}
