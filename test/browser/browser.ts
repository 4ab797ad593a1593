/** Debian's Chromium, as the pages' readers have it. */
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const executablePath = "/usr/bin/chromium";

/** A profile of its own, thrown away afterwards; it speaks to nobody but the pages that it is sent to. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page, with everything that a good page must not cause. */
export class WatchedPage implements AsyncDisposable {
  readonly page: Page;
  /** Errors on the console (a broken content policy is one), and those that scripts threw. */
  readonly errors: string[] = [];
  /** Addresses that were asked for. */
  readonly requests: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on("console", (message) => message.type() === "error" && this.errors.push(message.text()));
    page.on("pageerror", (error) => this.errors.push(error.message));
    page.on("request", (request) => this.requests.push(request.url()));
  }

  static async open(
    browser: Browser,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<WatchedPage> {
    const context = await browser.newContext(options);
    const watched = new WatchedPage(await context.newPage());
    await watched.page.goto(url);
    return watched;
  }

  /** What the page's main header says. */
  async header(): Promise<string> {
    return (await this.page.locator("header").textContent()) ?? "";
  }

  /** How far it can be scrolled sideways, in pixels: 0 on a page that fits. */
  async overflow(): Promise<number> {
    return Number(
      await this.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"),
    );
  }

  /** Kept only where `QUORATE_SCREENSHOTS` names a folder. */
  async screenshot(name: string): Promise<void> {
    const folder = process.env.QUORATE_SCREENSHOTS;
    if (folder !== undefined)
      await this.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}
