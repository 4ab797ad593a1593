/** What this client knows of the cluster: the URLs it was given, who leads, and who did not answer lately. */

/** The mark that a node puts on its redirects: a call that carries it is forwarded, not redirected again. */
const hopParameter = "quorate-hop";
/** For so long a node that did not answer is asked after the others. */
const shunMs = 5000;

export class Nodes {
  readonly #listed: readonly URL[];
  /** Origin → since when (milliseconds, monotonic) it does not answer. Holds listed nodes and a leader only. */
  readonly #silentSince = new Map<string, number>();
  #leader: URL | null = null;

  /** @throws TypeError for no list, an empty one, or what is not an http URL */
  constructor(urls: readonly string[]) {
    if (!Array.isArray(urls)) throw new TypeError(`nodes: expected a list of URLs, got ${String(urls)}`);
    if (urls.length === 0) throw new TypeError("nodes: expected at least one URL, got an empty list");
    this.#listed = urls.map((text) => {
      const url = parseHttpUrl(text);
      if (url !== null) return url;
      throw new TypeError(`nodes: expected URLs such as http://127.0.0.1:8001/RPC2, got ${String(text)}`);
    });
  }

  get count(): number {
    return this.#listed.length;
  }

  /**
   * Where to go next: the leader, then the list in its order, those that did not answer lately at its end.
   * Undefined when all were tried. What any node can answer (`nearest`) does not ask for the leader.
   */
  choose(tried: ReadonlySet<string>, nearest: boolean): URL | undefined {
    const left = this.#listed.filter((url) => !tried.has(url.origin));
    if (!nearest && this.#leader !== null && !tried.has(this.#leader.origin)) return this.#leader;
    return left.find((url) => !this.#isSilent(url.origin)) ?? left[0];
  }

  /** This node answered as the leader. */
  lead({ href, origin }: URL): void {
    if (this.#leader?.origin === origin) return;
    const url = new URL(href);
    // Kept, it would make a former leader forward every later call instead of naming its successor.
    url.searchParams.delete(hopParameter);
    this.#leader = url;
  }

  answered({ origin }: URL): void {
    this.#silentSince.delete(origin);
  }

  silent({ origin }: URL): void {
    if (this.#leader?.origin === origin) this.#leader = null;
    if (this.#listed.some((url) => url.origin === origin)) this.#silentSince.set(origin, performance.now());
  }

  #isSilent(origin: string): boolean {
    const since = this.#silentSince.get(origin);
    return since !== undefined && performance.now() - since < shunMs;
  }
}

/** Null when the text, seen from `base`, is no http or https URL. */
export function parseHttpUrl(text: string, base?: URL): URL | null {
  if (!URL.canParse(text, base?.href)) return null;
  const url = new URL(text, base);
  return url.protocol === "http:" || url.protocol === "https:" ? url : null;
}
