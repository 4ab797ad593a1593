/** The examples of the documentation page, run as they stand there, against the node that showed them. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect, promisify } from "node:util";
import { decodeResponse, Fault } from "@quorate/protocol";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { value } from "../cluster/rpc.js";
import { InProcessCluster } from "../server/in-process-cluster.js";
import { projectRoot } from "../support/project-root.js";
import { requireProgram, requireWorking } from "../support/system.js";
import { launchChromium, WatchedPage } from "./browser.js";

const run = promisify(execFile);
/** A program for each of some thirty methods: reached only when something is broken. */
const patienceMs = 300_000;
const patience = { timeout: patienceMs };
const folder = mkdtempSync(join(tmpdir(), "quorate-examples-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What each method's examples say, by language. */
type Examples = ReadonlyMap<string, ReadonlyMap<string, string>>;

async function read(browser: Browser, url: string): Promise<Examples> {
  await using watched = await WatchedPage.open(browser, `${url}/RPC2`);
  const examples = new Map<string, Map<string, string>>();
  for (const section of await watched.page.locator("section.method").all()) {
    const languages = await section.locator("summary").allTextContents();
    const codes = await section.locator("details code").allTextContents();
    const name = (await section.getAttribute("id")) ?? "";
    examples.set(name, new Map(languages.map((language, index) => [language, codes[index] ?? ""])));
  }
  return examples;
}

/** The program's output; rejects when it fails. */
const runners: Readonly<Record<string, (code: string) => Promise<string>>> = {
  Python: async (code) => (await run("python3", ["-c", code])).stdout,
  // In this process, because starting Node for each takes longer than everything else here.
  TypeScript: async (code) => {
    const client = pathToFileURL(join(projectRoot, "packages/client/src/index.ts")).href;
    const file = join(folder, `example-${randomUUID()}.ts`);
    writeFileSync(file, code.replace('"@quorate/client"', JSON.stringify(client)));
    const printed = vi.spyOn(console, "log").mockReturnValue();
    try {
      await import(file);
      return printed.mock.calls
        .map(([value]) => (typeof value === "string" ? value : inspect(value)))
        .join("\n");
    } finally {
      printed.mockRestore();
    }
  },
  PHP: async (code) => {
    const file = join(folder, "example.php");
    writeFileSync(file, code);
    const { stdout } = await run("php", [file]);
    if (stdout.includes('["faultCode"]') || stdout.includes("Warning")) throw new Error(stdout);
    return stdout;
  },
  curl: async (code) => {
    const { stdout } = await run("sh", ["-c", code.replace(/^curl /, "curl --silent --show-error ")]);
    const result = decodeResponse(Buffer.from(stdout));
    if (result instanceof Fault) throw result;
    return stdout;
  },
};

/** Their examples speak of what a healthy cluster of three has not: a fourth node, an entry that nobody can execute. */
const refusals: ReadonlyMap<string, string> = new Map([
  ["cluster.add", "n4"],
  ["cluster.remove", "n4"],
  ["cluster.replace", "n4"],
  ["cluster.void", "41"],
]);

const languages = ["TypeScript"];
if (requireProgram("python3", "python3")) languages.push("Python");
if (requireProgram("curl", "curl")) languages.push("curl");
if (
  requireWorking(
    ["php", "-r", 'exit(function_exists("xmlrpc_decode") ? 0 : 1);'],
    ["php-cli", "php8.2-xmlrpc"],
  )
)
  languages.push("PHP");

describe.runIf(requireProgram("chromium", "chromium"))("examples of the documentation page", () => {
  let browser: Browser;
  let cluster: InProcessCluster;
  let own: InProcessCluster;
  let follower: string;
  let kvExamples: Examples;
  let typeExamples: Examples;
  beforeAll(async () => {
    browser = await launchChromium();
    cluster = await InProcessCluster.start(3);
    follower = cluster.url((await cluster.followers())[0]);
    own = await InProcessCluster.prepare(1);
    Object.assign(own.config("n1"), { service: join(projectRoot, "test/browser/fixtures/every-type.ts") });
    await own.startNode("n1");
    await own.ready();
    kvExamples = await read(browser, follower);
    typeExamples = await read(browser, own.url("n1"));
  }, patienceMs);
  afterAll(async () => {
    await browser?.close();
    await cluster?.[Symbol.asyncDispose]();
    await own?.[Symbol.asyncDispose]();
  });

  it.each(languages)("%s: kv, system.* and cluster.* on a node of three", patience, async (language) => {
    const url = follower;
    expect(kvExamples.size).toBeGreaterThan(15);
    for (const [method, codes] of kvExamples) {
      await value(url, "kv.set", ["key", 1]); // what the examples speak of
      const run = runners[language]?.(codes.get(language) ?? "");
      const refusal = refusals.get(method);
      if (refusal !== undefined) {
        await expect(run, method).rejects.toThrow(refusal);
        continue;
      }
      const output = await run?.catch((error: unknown) => {
        throw new Error(`the example of ${method} failed`, { cause: error });
      });
      expect(output?.trim(), method).not.toBe("");
      if (method === "kv.set") expect(await value(url, "kv.get", ["key"])).toBe("value");
    }
  });

  it.each(languages)("%s: every type of parameter and result", patience, async (language) => {
    for (const [method, codes] of typeExamples) {
      if (!method.startsWith("types") || (language === "Python" && method === "types.i8")) continue;
      const output = await runners[language]?.(codes.get(language) ?? "").catch((error: unknown) => {
        throw new Error(`the example of ${method} failed:\n${codes.get(language)}`, { cause: error });
      });
      expect(output?.trim(), method).not.toBe("");
      if (method === "types.string" && language !== "curl") {
        expect(output).toContain(`'"\\ $HOME \`id\` !1 <b>&amp; é € 😀 %s {x}`);
      }
    }
  });

  it("Python's own client cannot send an i8, and says so", async () => {
    if (!languages.includes("Python")) return;
    const code = typeExamples.get("types.i8")?.get("Python") ?? "";
    await expect(runners.Python?.(code)).rejects.toThrow("int exceeds XML-RPC limits");
  });
});
