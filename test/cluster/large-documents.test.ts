/**
 * Large documents cost no leadership, with the timing that nodes have by default: documents are read and written
 * beside the event loop, their values are read in slices. That both leave it free is shown by its turns, in
 * `document-thread.test.ts` and `large-values.test.ts`; here whole nodes meet them, and no single step of theirs may
 * take as much processor time as makes followers impatient. A machine that is busy with other things holds up a node
 * as well: then a term says nothing, and a call may end without a leader or without a known outcome.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeCall, encodeCall, Fault, faultCodes, type Value } from "@quorate/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster, type ClusterNode } from "./cluster.js";
import { ask, post } from "./rpc.js";
import type { Step } from "./step-recorder.js";

const megabyte = 1_000_000;
const size = 20 * megabyte;
const member = "<value><struct><member><name>id</name><value><int>7</int></value></member></struct></value>";
const structCount = Math.floor(size / member.length);
const structs = `<value><array><data>${member.repeat(structCount)}</data></array></value>`;

const call = (content: string, after = "") =>
  `<?xml version="1.0"?><methodCall><methodName>kv.set</methodName><params><param><value><string>large</string></value></param><param>${content}</param></params>${after}</methodCall>`;

/** Each with what is to come of it: `true`, or the code of a fault. */
const documents: readonly (readonly [name: string, document: string, outcome: true | number])[] = [
  ["structs", call(structs), true],
  ["structs and a comment", call(structs, "<!-- leaves the fast path -->"), true],
  ["structs, cut short at the end", call(structs).slice(0, -10), -32700],
  ["text beyond what one call may write", call(`<value>${"x".repeat(size)}</value>`), -32005],
  ["elements that XML-RPC does not have", call(`<value>${"<a/>".repeat(size / 8)}</value>`), -32600],
];

/** By then a leader with 500 ms of election timeout, silent since its last heartbeat, is about to be missed. */
const stepMsMax = 400;

/** Processor time that it takes here, as busy as the machine is, to read the largest of the documents in one go. */
function readingAtOnceMs(): number {
  const document = Buffer.from(call(structs));
  const before = process.cpuUsage();
  decodeCall(document, { limits: { bytes: document.length } });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
/** A node that waited so long for a processor in one step was held up by others. */
const heldUpMs = 100;
const recorder = fileURLToPath(new URL("../dist/test/cluster/step-recorder.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "quorate-steps-"));
const recordFile = join(folder, "steps");

/** Steps of all nodes since they were ready. */
function steps(): readonly Step[] {
  if (!existsSync(recordFile)) return [];
  return readFileSync(recordFile, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Step);
}

let cluster: Cluster;
let leader: ClusterNode;
let follower: ClusterNode;
beforeAll(async () => {
  cluster = await Cluster.start({
    nodes: 3,
    settings: { http: { maxBody: "24MiB" } },
    environment: { NODE_OPTIONS: `--import=${recorder}`, STEP_RECORD_FILE: recordFile },
  });
  leader = await cluster.leader();
  follower = (await cluster.followers())[0] ?? expect.fail("no follower");
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** How a call may end beside its own way, on a machine that holds nodes up. */
const heldUp: readonly (Value | Fault)[] = [faultCodes.outcomeUnknown, faultCodes.noLeader];

function wasHeldUp(): boolean {
  return steps().some(({ waitedMs }) => waitedMs >= heldUpMs);
}

/** Writes one after the other until it is told to stop; gives how many were acknowledged. */
async function writeSteadily(node: ClusterNode, stop: AbortSignal): Promise<number> {
  let written = 0;
  while (!stop.aborted) {
    const { result } = await ask(node.url, "kv.set", [`steady/${node.id}`, written], { timeoutMs: 60_000 });
    if (result === true) written++;
    else expect(heldUp).toContain(result instanceof Fault ? result.faultCode : result);
  }
  return written;
}

async function term(node: ClusterNode): Promise<number> {
  const response = await fetch(`${node.url}/status`);
  return ((await response.json()) as { readonly term: number }).term;
}

async function outcomeOf(node: ClusterNode, document: string): Promise<Value> {
  const { result } = await post(node.rpcUrl, document, { timeoutMs: 120_000 });
  return result instanceof Fault ? result.faultCode : (result ?? "no XML-RPC");
}

/** How many structs the answer to `kv.get` holds: it is larger than this process reads by itself. */
async function structsHeld(node: ClusterNode): Promise<number> {
  const response = await fetch(node.rpcUrl, {
    method: "POST",
    headers: { "content-type": "text/xml", "user-agent": "Python-xmlrpc/3.11" },
    body: encodeCall("kv.get", ["large"]),
  });
  return (await response.text()).split("<struct>").length - 1;
}

describe("20 MB calls under steady writes", () => {
  test("change no term and stop no writes, on the leader and on a follower", {
    timeout: 300_000,
  }, async () => {
    rmSync(recordFile, { force: true });
    const before = await term(leader);
    const stop = new AbortController();
    const writers = cluster.nodes.map((node) => writeSteadily(node, stop.signal));
    for (const node of [leader, follower]) {
      for (const [name, document, outcome] of documents) {
        const came = await outcomeOf(node, document);
        if (outcome === true) expect([true, ...heldUp], name).toContain(came);
        else expect(came, name).toBe(outcome);
      }
      const held = await structsHeld(node);
      // 0: without a leader, or not written in time.
      expect([structCount, ...(wasHeldUp() ? [0] : [])]).toContain(held);
    }
    stop.abort();
    for (const written of await Promise.all(writers)) expect(written).toBeGreaterThan(10);
    const longestMs = Math.max(0, ...steps().map(({ ranMs }) => ranMs));
    expect(longestMs).toBeLessThan(Math.max(stepMsMax, readingAtOnceMs()));
    if (!wasHeldUp()) expect(await term(leader)).toBe(before);
  });

  test("are answered at once where nothing of them has to be read", async () => {
    const { status, result } = await post(leader.rpcUrl, "x".repeat(26 * megabyte), { timeoutMs: 60_000 });
    expect([status, result instanceof Fault && result.faultCode]).toEqual([413, -32005]);
  });
});
