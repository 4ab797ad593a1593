/** `http.dialect` on real nodes: each writes its own, wherever a call is executed. */
import { encodeCall } from "@quorate/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { value } from "../cluster/rpc.js";
import { InProcessCluster } from "./in-process-cluster.js";

const dialects = { n1: "standard", n2: "strict", n3: "apache" } as const;
type Node = keyof typeof dialects;

let cluster: InProcessCluster;
beforeAll(async () => {
  cluster = await InProcessCluster.prepare(3);
  for (const { node, http } of cluster.configs) Object.assign(http, { dialect: dialects[node as Node] });
  await Promise.all(cluster.configs.map(({ node }) => cluster.startNode(node)));
  await cluster.ready();
});
afterAll(() => cluster[Symbol.asyncDispose]());

async function answer(node: Node, method: string, params: Parameters<typeof encodeCall>[1]): Promise<string> {
  const response = await fetch(`${cluster.url(node)}/RPC2?route=forward`, {
    method: "POST",
    headers: { "content-type": "text/xml" },
    body: encodeCall(method, params, { dialect: "apache" }),
  });
  expect(response.status).toBe(200);
  return response.text();
}

describe("a value that XML-RPC has no type for", () => {
  it.each([
    ["n1", "<i8>5</i8>", "<nil/>"],
    ["n3", "<ex:i8>5</ex:i8>", "<ex:nil/>"],
  ] as const)("is written by %s as %s and %s", async (node, i8, nil) => {
    await value(cluster.url("n1"), "kv.set", ["odd", [5n, null]]);
    const text = await answer(node, "kv.get", ["odd"]);
    expect(text).toContain(i8);
    expect(text).toContain(nil);
  });

  it("is a fault in the strict dialect, which names it; a command was executed all the same", async () => {
    expect(await answer("n2", "kv.set", ["strict", [1, null]])).toContain("<boolean>1</boolean>");
    const text = await answer("n2", "kv.get", ["strict"]);
    expect(text).toContain("<int>-32603</int>");
    expect(text).toContain("has no &lt;nil/&gt; for null (at result[1])");
    expect(await value(cluster.url("n1"), "kv.get", ["strict"])).toEqual([1, null]);
  });
});

it("whatever a node writes, it reads all dialects, and its own answers never need an extension", async () => {
  for (const node of ["n1", "n2", "n3"] as const) {
    expect(await answer(node, "kv.set", [node, [7n, null]])).toContain("<boolean>1</boolean>");
    for (const method of [
      "cluster.status",
      "cluster.members",
      "system.listMethods",
      "system.getCapabilities",
    ]) {
      expect(await answer(node, method, [])).not.toMatch(/<fault>|<(?:ex:)?(?:nil|i8)/);
    }
  }
});
