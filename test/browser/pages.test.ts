/** The pages in a real browser: light and dark, wide and narrow, with and without scripts. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { value } from "../cluster/rpc.js";
import { InProcessCluster } from "../server/in-process-cluster.js";
import { projectRoot } from "../support/project-root.js";
import { requireProgram } from "../support/system.js";
import { launchChromium, WatchedPage } from "./browser.js";

/** Reached only when something is broken: a browser on a busy machine takes its time. */
const patienceMs = 180_000;
const phone = { viewport: { width: 360, height: 740 } };

describe.runIf(requireProgram("chromium", "chromium"))("pages in Chromium", { timeout: patienceMs }, () => {
  let cluster: InProcessCluster;
  let browser: Browser;
  let url: string;
  beforeAll(async () => {
    cluster = await InProcessCluster.prepare(3);
    const service = join(projectRoot, "test/browser/fixtures/every-type.ts");
    for (const config of cluster.configs) Object.assign(config, { service });
    await Promise.all(cluster.configs.map(({ node }) => cluster.startNode(node)));
    await cluster.ready();
    url = cluster.url("n1");
    browser = await launchChromium();
  }, patienceMs);
  afterAll(async () => {
    await browser?.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  const open = (path: string, options = {}) => WatchedPage.open(browser, url + path, options);

  describe("methods", () => {
    it("has a section for every method, and a link to it", async () => {
      await using watched = await open("/RPC2");
      const { page } = watched;
      const names = (await value(url, "system.listMethods", [])) as string[];
      expect(await page.locator("section.method h3 code").allTextContents()).toEqual(
        expect.arrayContaining(names),
      );
      expect(await page.locator("section.method").count()).toBe(names.length);
      await page
        .getByRole("navigation", { name: "Methods" })
        .getByRole("link", { name: "types.struct" })
        .click();
      expect(page.url()).toBe(`${url}/RPC2#types.struct`);
      const section = page.locator('[id="types.struct"]');
      expect(await section.boundingBox().then((box) => (box?.y ?? -1) < 400)).toBe(true);
      await watched.screenshot("methods-light");
    });

    it("says what was declared, and its examples carry this node's own address", async () => {
      await using watched = await open("/RPC2");
      const int = watched.page.locator('[id="types.int"]');
      expect(await int.textContent()).toContain("types.int(int) → int");
      expect(await int.getByRole("row", { name: "n" }).textContent()).toBe("nint-5 to 5");
      const struct = watched.page.locator('[id="types.struct"]');
      expect(await struct.textContent()).toContain(
        "struct { sku: string, units: int, due: dateTime.iso8601, label: base64 }",
      );
      for (const code of await int.locator("details code").allTextContents())
        expect(code).toContain(`${url}/RPC2`);
    });

    it("is complete without scripts, and its examples open", async () => {
      await using watched = await open("/RPC2", { javaScriptEnabled: false });
      const section = watched.page.locator('[id="types.boolean"]');
      expect(await section.getByText("server.types.boolean(True)").isVisible()).toBe(true);
      const curl = section.getByText("curl --location");
      expect(await curl.isVisible()).toBe(false);
      await section.getByText("curl", { exact: true }).click();
      expect(await curl.isVisible()).toBe(true);
    });

    it("takes nobody's words for its own", async () => {
      await using watched = await open("/RPC2");
      const { page } = watched;
      expect(await page.title()).toBe("Methods of test");
      expect(await page.locator("script, img").count()).toBe(0);
      expect(await page.locator('[id="types.hostile"]').textContent()).toContain(
        `<script>document.title = "owned"</script>`,
      );
      expect(watched.errors).toEqual([]);
    });
  });

  describe("state", () => {
    it("says first what matters, and leads to the other pages and nodes", async () => {
      await using watched = await open("/");
      const { page } = watched;
      expect(await watched.header()).toMatch(/In order: (n\d leads|this node leads)\./);
      expect(await page.getByRole("row").filter({ hasText: "this node" }).textContent()).toMatch(/^n1voter/);
      await watched.screenshot("state-light");
      await page.getByRole("link", { name: cluster.url("n2") }).click();
      expect(await page.getByRole("row", { name: "Node" }).first().textContent()).toBe("Noden2");
      await page.getByRole("link", { name: "Methods" }).click();
      expect(await page.title()).toBe("Methods of test");
    });

    it("says so when there is no leader", async () => {
      await using alone = await InProcessCluster.prepare(3);
      await alone.startNode("n1");
      await using watched = await WatchedPage.open(browser, alone.url("n1"));
      expect(await watched.header()).toMatch(/Not founded yet: waiting for (n\d|the founding member)/);
      await watched.screenshot("state-unfounded");
    });
  });

  describe.each(["/", "/RPC2"])("%s", (path) => {
    it("loads nothing else and breaks no policy", async () => {
      await using watched = await open(path);
      expect(watched.requests.filter((request) => !request.endsWith("/favicon.ico"))).toEqual([url + path]);
      expect(watched.errors.filter((error) => !error.includes("404"))).toEqual([]);
    });

    it("fits a phone, and a desk", async () => {
      await using small = await open(path, phone);
      expect(await small.overflow()).toBe(0);
      await small.screenshot(`phone${path.replace("/", "-")}`);
      await using large = await open(path);
      expect(await large.overflow()).toBe(0);
    });

    it("is dark for those who like it dark, and can be read in both", async () => {
      const colours = async (colorScheme: "light" | "dark") => {
        await using watched = await open(path, { colorScheme });
        await watched.screenshot(`${colorScheme}${path.replace("/", "-")}`);
        const of = (property: string) => watched.page.evaluate(`getComputedStyle(document.body).${property}`);
        return {
          back: luminance(String(await of("backgroundColor"))),
          text: luminance(String(await of("color"))),
        };
      };
      const light = await colours("light");
      const dark = await colours("dark");
      expect(light.back).toBeGreaterThan(light.text);
      expect(dark.back).toBeLessThan(dark.text);
      // WCAG 2.2, success criterion 1.4.6.
      for (const { back, text } of [light, dark]) {
        const [high, low] = [Math.max(back, text), Math.min(back, text)];
        expect((high + 0.05) / (low + 0.05)).toBeGreaterThan(7);
      }
    });

    it("has one main heading, one main part, and headings in order", async () => {
      await using watched = await open(path);
      expect(await watched.page.getByRole("heading", { level: 1 }).count()).toBe(1);
      expect(await watched.page.getByRole("main").count()).toBe(1);
      const tags = await watched.page
        .locator("h1, h2, h3")
        .evaluateAll((list) => list.map((each) => each.tagName));
      const levels = tags.map((tag) => Number(tag.slice(1)));
      for (const [index, level] of levels.entries())
        expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1);
    });
  });

  describe("a page of another origin", () => {
    it("can neither read nor call this node from its scripts", async () => {
      const elsewhere = createServer((_request, response) => response.end("<!doctype html>")).listen(
        0,
        "127.0.0.1",
      );
      onTestFinished(() => void elsewhere.close());
      await once(elsewhere, "listening");
      const { port } = elsewhere.address() as AddressInfo;
      await using watched = await WatchedPage.open(browser, `http://127.0.0.1:${port}/`);
      const attempt = (options: object) =>
        watched.page.evaluate(
          `fetch(${JSON.stringify(`${url}/RPC2`)}, ${JSON.stringify(options)}).then((answer) => answer.type, (error) => error.name)`,
        );
      expect(await attempt({})).toBe("TypeError");
      const body = "<methodCall><methodName>system.listMethods</methodName></methodCall>";
      expect(await attempt({ method: "POST", body, headers: { "content-type": "text/xml" } })).toBe(
        "TypeError",
      );
      // It may send plain text unasked, blindly: that is refused here, whatever it says.
      const before = await answered();
      expect(await attempt({ method: "POST", body, mode: "no-cors" })).toBe("opaque");
      expect(await answered()).toBe(before);
    });
  });

  /** How many calls this node has answered. */
  async function answered(): Promise<number> {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return [...metrics.matchAll(/^quorate_calls_total\{[^}]*\} (\d+)$/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
  }
});

/** WCAG 2.2: relative luminance of `rgb(r, g, b)`. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [...colour.matchAll(/\d+/g)].map(([part]) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
