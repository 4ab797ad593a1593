/** The config file, YAML or JSON: its settings by dotted key, each with the line it stands on. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type YAMLMap,
} from "yaml";
import { type Place, type Problem, problem } from "./problem.js";
import { notAvailableYet, settings } from "./settings.js";
import { nearest } from "./suggest.js";

/** A member's name, or a position in a list. */
type Step = PropertyKey;

/** One setting as a source gives it. */
export interface Found {
  readonly raw: unknown;
  readonly kind: "file" | "environment" | "flag";
  /** Of the setting, or of a part of its value. */
  readonly placeOf: (path: readonly Step[]) => Place;
  /** Folder that relative paths start at. */
  readonly base: string;
}

export interface ConfigFile {
  readonly found: ReadonlyMap<string, Found>;
  readonly problems: readonly Problem[];
}

export function readConfigFile(path: string): ConfigFile {
  const whole: Place = { place: path, line: null, column: null };
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { found: new Map(), problems: [problem(whole, null, `cannot read the config file: ${reason}`)] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { place: `${path}:${line}:${col}`, line, column: col };
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) =>
      problem(placeAt(pos[0]), null, `not YAML: ${message}`),
    );
    return { found: new Map(), problems };
  }
  return new FileReader(path, document, placeAt).read();
}

class FileReader {
  readonly #found = new Map<string, Found>();
  readonly #problems: Problem[] = [];

  constructor(
    readonly path: string,
    readonly document: Document.Parsed,
    readonly placeAt: (offset: number) => Place,
  ) {}

  read(): ConfigFile {
    const root = this.#contents();
    if (root !== null) this.#readSection(root, []);
    return { found: this.#found, problems: this.#problems };
  }

  #contents(): unknown {
    try {
      return this.document.toJS();
    } catch (error) {
      // Aliases that multiply each other beyond the parser's bound.
      const reason = error instanceof Error ? error.message : String(error);
      this.#problems.push(problem(this.placeOf([]), null, `not usable as a configuration: ${reason}`));
      return null;
    }
  }

  #readSection(value: unknown, path: readonly string[]): void {
    const prefix = path.join(".");
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      // Not shown: what stands in the wrong place may be a secret.
      const came = value === null ? "nothing" : Array.isArray(value) ? "a list" : `a ${typeof value}`;
      this.#report(path, `expected a mapping of settings, got ${came}`, `write \`${example(prefix)}\``);
      return;
    }
    for (const [name, child] of Object.entries(value)) {
      const childPath = [...path, name];
      const key = childPath.join(".");
      if (settings.some((setting) => setting.key === key)) {
        this.#found.set(key, {
          raw: child,
          kind: "file",
          placeOf: (inside) => this.placeOf([...childPath, ...inside]),
          base: dirname(resolve(this.path)),
        });
      } else if (settings.some((setting) => setting.key.startsWith(`${key}.`))) {
        this.#readSection(child, childPath);
      } else {
        this.#refuseUnknown(childPath);
      }
    }
  }

  #refuseUnknown(path: readonly string[]): void {
    const key = path.join(".");
    if (notAvailableYet.some((planned) => key === planned || key.startsWith(`${planned}.`))) {
      this.#report(path, "not available in this version of Quorate", "remove it");
      return;
    }
    const known = settings.map((setting) => setting.key);
    const sections = known.filter((one) => one.includes(".")).map((one) => one.split(".")[0] ?? "");
    const near = nearest(key, [...known, ...sections]);
    const hint = near === undefined ? `known: ${known.join(", ")}` : `did you mean ${near}?`;
    this.#report(path, "unknown setting", hint);
  }

  #report(path: readonly string[], message: string, suggestion: string): void {
    const setting = path.length === 0 ? null : path.join(".");
    this.#problems.push(problem(this.placeOf(path), setting, message, { suggestion }));
  }

  /** The name at the end of the path where there is one, else what is nearest to it from above. */
  placeOf(path: readonly Step[]): Place {
    let node: unknown = this.document.contents;
    let offset = this.document.contents?.range?.[0] ?? 0;
    for (const step of path) {
      const target = isAlias(node) ? node.resolve(this.document) : node;
      if (isMap(target)) {
        const pair = pairOf(target, step);
        if (!isScalar(pair?.key)) break;
        offset = pair.key.range?.[0] ?? offset;
        node = pair.value;
      } else if (isSeq(target) && typeof step === "number") {
        node = target.items[step];
        if (!hasRange(node)) break;
        offset = node.range[0];
      } else break;
    }
    return this.placeAt(offset);
  }
}

const pairOf = (map: YAMLMap, name: Step) =>
  map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(name));

function hasRange(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}

/** The first setting of a section, as it may be written. */
function example(section: string): string {
  const setting = settings.find(({ key }) => section === "" || key.startsWith(`${section}.`));
  if (setting === undefined) return "";
  if (section === "") return `${setting.key}: …`;
  return `${section}: { ${setting.key.slice(section.length + 1)}: … }`;
}
