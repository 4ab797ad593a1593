/** UserLand's validator1 suite, as the example service has it: the public vectors over HTTP, with every way to start it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeResponse, Fault } from "@quorate/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../cluster/cluster.js";
import { value } from "../cluster/rpc.js";
import { freePortRun } from "../support/ports.js";
import { projectRoot, quorateCommand } from "../support/project-root.js";
import { normalised, toTagged } from "./tagged.js";
import { bodyOf, loadVectors } from "./vectors.js";

const nodes = 3;
let url: string;
let stop: () => Promise<void>;

/** `quorate dev packages/server/examples/validator1.ts`, as anyone would. */
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "quorate-validator1-"));
  const port = await freePortRun(nodes, 1000);
  const flags = ["--port", String(port), "--nodes", String(nodes), "--data-dir", folder];
  const child = spawn(
    process.execPath,
    [quorateCommand, "dev", "packages/server/examples/validator1.ts", ...flags],
    {
      cwd: projectRoot,
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const exited = once(child, "exit");
  stop = async () => {
    child.kill("SIGINT");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  url = `http://127.0.0.1:${port + 1}`;
  await until("the local cluster to be ready", async () => {
    if (child.exitCode !== null) throw new Error(`quorate dev ended with ${child.exitCode}`);
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    return response?.ok === true ? true : undefined;
  });
});
afterAll(() => stop?.());

async function post(body: Uint8Array): Promise<ReturnType<typeof decodeResponse>> {
  const headers = { "content-type": "text/xml", "user-agent": "Frontier/5.1.2" };
  const response = await fetch(`${url}/RPC2?route=forward`, { method: "POST", body, headers });
  expect(response.status).toBe(200);
  return decodeResponse(new Uint8Array(await response.arrayBuffer()));
}

describe("vectors: validator1", () => {
  for (const vector of loadVectors("validator1.json")) {
    test(vector.name, async () => {
      const result = await post(bodyOf(vector));
      if (result instanceof Fault) throw result;
      if (vector.expect.kind !== "value" || vector.expect.detail.result === undefined)
        throw new Error("no result");
      expect(normalised(toTagged(result))).toStrictEqual(normalised(vector.expect.detail.result));
    });
  }
});

test("a struct without what the suite agreed on is a fault that names it", async () => {
  await expect(value(url, "validator1.easyStructTest", [{ moe: 1, larry: 2 }])).rejects.toMatchObject({
    faultCode: 400,
    message: "the struct has no int curly",
  });
  await expect(value(url, "validator1.nestedStructTest", [{ "2000": 1 }])).rejects.toMatchObject({
    message: "the struct has no struct 2000",
  });
  await expect(value(url, "validator1.simpleStructReturnTest", [3_000_000])).rejects.toMatchObject({
    faultCode: -32602,
  });
});

test("its signatures are those of the suite", async () => {
  const signatureOf = async (name: string) => value(url, "system.methodSignature", [`validator1.${name}`]);
  expect(await signatureOf("manyTypesTest")).toEqual([
    ["array", "int", "boolean", "string", "double", "dateTime.iso8601", "base64"],
  ]);
  expect(await signatureOf("countTheEntities")).toEqual([["struct", "string"]]);
});
