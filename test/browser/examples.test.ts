/** The examples of the documentation page, run as they stand there, against the node that showed them. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { decodeResponse, Fault } from "@quorate/protocol";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { value } from "../cluster/rpc.js";
import { InProcessCluster } from "../server/in-process-cluster.js";
import { projectRoot } from "../support/project-root.js";
import { requireProgram, requireWorking } from "../support/system.js";
import { launchChromium, WatchedPage } from "./browser.js";

const run = promisify(execFile);
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
  TypeScript: async (code) => {
    const client = pathToFileURL(join(projectRoot, "packages/client/dist/index.js")).href;
    const file = join(folder, "example.mjs");
    writeFileSync(file, code.replace('"@quorate/client"', JSON.stringify(client)));
    return (await run(process.execPath, [file])).stdout;
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
  beforeAll(async () => {
    browser = await launchChromium();
    cluster = await InProcessCluster.start(3);
    own = await InProcessCluster.prepare(1);
    Object.assign(own.config("n1"), { service: join(projectRoot, "test/browser/fixtures/every-type.ts") });
    await own.startNode("n1");
    await own.ready();
  });
  afterAll(async () => {
    await browser?.close();
    await cluster?.[Symbol.asyncDispose]();
    await own?.[Symbol.asyncDispose]();
  });

  it.each(languages)("%s: kv, system.* and cluster.* on a node of three", async (language) => {
    const [follower] = await cluster.followers();
    const url = cluster.url(follower);
    const examples = await read(browser, url);
    expect(examples.size).toBeGreaterThan(15);
    for (const [method, codes] of examples) {
      await value(url, "kv.set", ["key", 1]); // what the examples speak of
      const output = await runners[language]?.(codes.get(language) ?? "").catch((error: unknown) => {
        throw new Error(`the example of ${method} failed`, { cause: error });
      });
      expect(output?.trim(), method).not.toBe("");
      if (method === "kv.set") expect(await value(url, "kv.get", ["key"])).toBe("value");
    }
  });

  it.each(languages)("%s: every type of parameter and result", async (language) => {
    const examples = await read(browser, own.url("n1"));
    for (const [method, codes] of examples) {
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
    const examples = await read(browser, own.url("n1"));
    const code = examples.get("types.i8")?.get("Python") ?? "";
    await expect(runners.Python?.(code)).rejects.toThrow("int exceeds XML-RPC limits");
  });
});
