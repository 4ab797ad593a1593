/** The documentation of every method, from what its author declared. */
import type { MethodDescription } from "../../rpc/method-description.js";
import type { Parameter } from "../../rpc/ports.js";
import { examplesOf } from "../examples/index.js";
import { escapeHtml, page } from "./page.js";

export interface MethodsPageOptions {
  readonly cluster: string;
  readonly service: string;
  readonly node: string;
  /** Where calls are sent: this node's URL with the path of this page. */
  readonly url: string;
  readonly methods: readonly MethodDescription[];
}

const serviceLegend =
  "A <em>command</em> may write: the cluster agrees on it, then every node executes it. A <em>query</em> only reads, " +
  "and sees every write that was acknowledged before it was asked.";
const serverLegend = "The node that is asked answers these by itself.";

export function methodsPage({ cluster, service, node, url, methods }: MethodsPageOptions): string {
  const own = methods.filter(({ kind }) => kind !== "local");
  const server = methods.filter(({ kind }) => kind === "local");
  return page(
    `Methods of ${cluster}`,
    `<header>
<h1>Methods of ${escapeHtml(cluster)}</h1>
<p>XML-RPC calls are sent with <code>POST</code> to <code>${escapeHtml(url)}</code>, which is node ${escapeHtml(node)}; any other node of the cluster does as well. <a href="/">State of this node</a></p>
</header>
<nav aria-label="Methods">
<h2>Contents</h2>
${list(own)}${list(server)}</nav>
<main>
${chapter(`Service ${service}`, serviceLegend, own, url)}${chapter("The server itself", serverLegend, server, url)}</main>`,
  );
}

function list(methods: readonly MethodDescription[]): string {
  if (methods.length === 0) return "";
  const items = methods.map(
    ({ name }) => `<li><a href="#${escapeHtml(name)}"><code>${escapeHtml(name)}</code></a></li>`,
  );
  return `<ul>\n${items.join("\n")}\n</ul>\n`;
}

/** `legend` is HTML. */
function chapter(title: string, legend: string, methods: readonly MethodDescription[], url: string): string {
  if (methods.length === 0) return "";
  return `<h2>${escapeHtml(title)}</h2>\n<p class="faint">${legend}</p>\n${methods.map((method) => methodSection(method, url)).join("")}`;
}

function methodSection(method: MethodDescription, url: string): string {
  const name = escapeHtml(method.name);
  return `<section class="method" id="${name}" aria-labelledby="${name}-title">
<h3 id="${name}-title"><code>${name}</code> <span class="kind">${method.kind === "local" ? "server" : method.kind}</span></h3>
${method.help === "" ? "" : `<p>${escapeHtml(method.help)}</p>\n`}${signatures(method)}${parameters(method.parameters)}${examples(method, url)}</section>
`;
}

function signatures({ name, signatures, result }: MethodDescription): string {
  if (signatures.length === 0)
    return "<p>Its parameters are not declared: any are passed on as they are.</p>\n";
  const lines = signatures.map(([returned = "any", ...params]) => {
    const shown = returned === signatures[0]?.[0] ? result : returned;
    return escapeHtml(`${name}(${params.join(", ")}) → ${shown}`);
  });
  return `<pre aria-label="Signatures"><code>${lines.join("\n")}</code></pre>\n`;
}

function parameters(list: readonly Parameter[] | null): string {
  if (list === null || list.length === 0) return "";
  const rows = list.map(({ name, type, note, optional, many }) => {
    const presence = many ? "any number of them" : optional ? "optional" : "";
    const remarks = [presence, note].filter((text) => text !== "").join("; ");
    return `<tr><th scope="row"><code>${escapeHtml(name)}</code></th><td>${escapeHtml(type)}</td><td>${escapeHtml(remarks)}</td></tr>`;
  });
  return `<div class="wide"><table>
<thead><tr><th scope="col">Parameter</th><th scope="col">Type</th><th scope="col">Remarks</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>
`;
}

/** Of a call with what is required. */
function examples({ name, parameters }: MethodDescription, url: string): string {
  const params = (parameters ?? []).filter(({ optional }) => !optional).map(({ example }) => example);
  return examplesOf({ url, method: name, params })
    .map(
      ({ language, code }, index) =>
        `<details${index === 0 ? " open" : ""}><summary>${language}</summary><pre><code>${escapeHtml(code.trimEnd())}</code></pre></details>\n`,
    )
    .join("");
}
