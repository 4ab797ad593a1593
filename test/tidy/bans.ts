/** What source text must not contain: pattern, where, what to write instead, and why. */
import { isTest, type SourceFile, withoutComments } from "./sources.js";

interface Ban {
  readonly pattern: RegExp;
  readonly where: (path: string) => boolean;
  readonly reason: string;
  /** Also look into comments. */
  readonly comments?: true;
}

const production = (path: string) => path.startsWith("packages/") && !isTest(path);
const library = (path: string) =>
  production(path) && !path.startsWith("packages/server/src/cli/") && path !== "packages/server/src/main.ts";
const core = (path: string) => path.startsWith("packages/raft/src/core/") && !isTest(path);
const notOwnRules = (path: string) => !path.startsWith("test/tidy/");

export const bans: readonly Ban[] = [
  {
    pattern: /^\s*export \* from/m,
    where: notOwnRules,
    reason: "name every export: a barrel is a table of contents",
  },
  {
    pattern: /^\s*export default/m,
    where: (path) =>
      notOwnRules(path) &&
      !path.endsWith("vitest.config.ts") &&
      !path.includes("/examples/") &&
      !path.includes("/fixtures/"),
    reason: "export by name (config files and user services aside): a name can be searched for",
  },
  { pattern: /\bas any\b/, where: notOwnRules, reason: "say the real type, or narrow from unknown" },
  {
    pattern: /[\w)\]]!(?:[.;,)\]]|\s*$)/m,
    where: (path) => production(path),
    reason: "no non-null `!`: handle the missing case",
  },
  {
    pattern: /catch\s*(?:\([^)]*\))?\s*\{\s*\}/,
    where: notOwnRules,
    reason: "an empty catch hides failures: handle it or say why in a comment",
  },
  {
    pattern: /\b(?:it|test|describe)\.(?:only|skip)\(/,
    where: (path) => isTest(path) && notOwnRules(path),
    reason: "a test runs, always; needing a system program is said through test/support/system.ts",
  },
  {
    pattern: /\bconsole\./,
    // The examples of the documentation page are programs for others.
    where: (path) => library(path) && !path.startsWith("packages/server/src/http/examples/"),
    reason: "libraries do not print: use the injected log",
  },
  {
    pattern: /\bprocess\.exit\(/,
    where: library,
    reason: "only the command line ends the process: everything else reports",
  },
  {
    pattern: /\b(?:async|await)\b|\bPromise\b/,
    where: core,
    reason: "raft/core is synchronous: nothing can change between two of its lines",
  },
  { pattern: /\bDate\b|\bperformance\b/, where: core, reason: "raft/core has no clock: time is a tick" },
  {
    pattern: /\bMath\.random\b|\bcrypto\b/,
    where: core,
    reason: "raft/core has no chance of its own: it is injected",
  },
  {
    pattern: /\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/,
    where: core,
    reason: "raft/core has no timers",
  },
  {
    pattern: /\bplantedBugs\s*:/,
    where: (path) =>
      production(path) &&
      !path.startsWith("packages/raft/src/core/") &&
      !path.startsWith("packages/raft/src/testing/"),
    reason: "planted bugs are for tests",
  },
  {
    pattern: /\b(?:TODO|FIXME|XXX)\b/,
    where: notOwnRules,
    comments: true,
    reason: "finish it, or write down in the README what is not there",
  },
];

/** Comments count only where the ban says so. */
export function bannedIn(file: SourceFile): readonly string[] {
  const code = withoutComments(file.text);
  return bans
    .filter((ban) => ban.where(file.path))
    .map((ban) => ({ ban, match: ban.pattern.exec(ban.comments === true ? file.text : code) }))
    .filter(({ match }) => match !== null)
    .map(({ ban, match }) => `${file.path}: ${match?.[0].trim()}: ${ban.reason}`);
}
