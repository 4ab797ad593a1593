/** Two plain HTML pages: what methods there are, and how this node is. */
import type { MemberReport, StatusReport } from "../cluster/status.js";
import type { MethodDescription } from "../rpc/dispatcher.js";

export function methodsPage(cluster: string, methods: readonly MethodDescription[]): string {
  const rows = methods.map(({ name, kind, help, signatures }) => {
    const shown = signatures.map(([result, ...params]) => `(${params.join(", ")}) → ${result}`).join("\n");
    return `<tr><td><code>${escapeHtml(name)}</code><td>${kind}<td><pre>${escapeHtml(shown)}</pre><td>${escapeHtml(help)}`;
  });
  return page(
    `Methods of ${cluster}`,
    "<p>Call them with any XML-RPC client: <code>POST</code> to this address.</p>" +
      `<table><tr><th>method<th>kind<th>signature<th>help\n${rows.join("\n")}</table>`,
  );
}

export function statusPage(
  status: StatusReport,
  members: readonly MemberReport[],
  methodsPath: string,
): string {
  const facts: readonly (readonly [string, string | number])[] = [
    ["node", status.node],
    ["role", status.role],
    ["leader", status.leader ?? "none known"],
    ["term", status.term],
    ["service", status.service],
    ["committed", status.commitIndex],
    ["executed", status.appliedIndex],
    ["failure tolerance", status.role === "leader" ? status.failureTolerance : "known by the leader"],
  ];
  const list = facts.map(([name, value]) => `<tr><th>${name}<td>${escapeHtml(String(value))}`).join("\n");
  const rows = members.map(
    ({ id, role, http, leader, connected }) =>
      `<tr><td>${escapeHtml(id)}<td>${role}${leader ? ", leader" : ""}<td>${escapeHtml(http)}<td>${connected ? "reachable" : "not connected"}`,
  );
  const founding = status.born
    ? ""
    : `<p>Not founded yet: waiting for ${escapeHtml(status.missing.join(", "))}.</p>`;
  return page(
    `Cluster ${status.cluster}`,
    `${founding}<table>${list}</table><h2>Members</h2>` +
      `<table><tr><th>id<th>role<th>address<th>seen from here\n${rows.join("\n")}</table>` +
      `<p><a href="${escapeHtml(methodsPath)}">Methods</a> · <a href="/status">status as JSON</a> · <a href="/metrics">metrics</a></p>`,
  );
}

const style =
  "body{font:15px/1.5 system-ui,sans-serif;margin:2em;max-width:60em}table{border-collapse:collapse}" +
  "th,td{text-align:left;vertical-align:top;padding:.3em 1em .3em 0;border-bottom:1px solid #ddd}pre{margin:0}";

function page(title: string, content: string): string {
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>` +
    `<style>${style}</style><h1>${escapeHtml(title)}</h1>${content}</html>\n`
  );
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Names and help texts are other people's words. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
