/** Checks a config file for every machine that may start with it, as far as the file alone can tell. */
import { memberListDigest } from "@quorate/raft";
import { type LoadedSettings, loadSettings } from "./load.js";
import type { MemberConfig } from "./node-config.js";
import { type Problem, problem, problemText } from "./problem.js";
import { hostPortText, resolveSettings } from "./resolve.js";
import type { SettingKey } from "./settings.js";

export interface FileCheck {
  readonly problems: readonly Problem[];
  /** What is worth knowing and wrong nowhere: settings left to other sources, odd cluster sizes. */
  readonly notes: readonly string[];
  /** Whom the file was checked for. */
  readonly nodes: readonly string[];
  /** Equal on all machines exactly if cluster name and member list are; null while those are not usable. */
  readonly fingerprint: string | null;
}

const wildcards = ["0.0.0.0", "::"];

export function checkFile(file: string): FileCheck {
  const load = (flags: Readonly<Record<string, string>>): LoadedSettings =>
    loadSettings({ file, flags, environment: {}, directory: process.cwd() });
  const alone = load({});
  const { members } = resolveSettings(alone);
  const named = alone.origins.has("node");
  const nodes = named ? [alone.values.node ?? ""] : members.map((member) => member.id);
  const found = named
    ? resolveSettings(alone).problems
    : nodes.flatMap((node) => resolveSettings(load({ node })).problems);
  const all = distinct([...(nodes.length === 0 ? resolveSettings(alone).problems : found)]);
  const problems = [...all.filter((one) => !one.missing), ...(named ? [] : oneAddressForAll(alone, members))];
  return {
    problems: problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)),
    notes: [
      ...all.filter((one) => one.missing && one.setting !== "node").map(leftOut),
      ...(named ? [`node is ${nodes[0]} here: this file serves that machine only`] : []),
      ...aboutMembers(members),
    ],
    nodes,
    fingerprint: problems.length === 0 ? fingerprintOf(alone, members) : null,
  };
}

/** The same for each machine, so told once. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((one) => [problemText(one), one])).values()];
}

const leftOut = (one: Problem): string => `left to other sources: ${problemText({ ...one, place: null })}`;

/** A file without `node` is for all machines: an address of one of them cannot be listened on by the others. */
function oneAddressForAll(loaded: LoadedSettings, members: readonly MemberConfig[]): readonly Problem[] {
  if (members.length < 2) return [];
  return (["http.listen", "peer.listen"] as const satisfies readonly SettingKey[]).flatMap((key) => {
    const listen = loaded.values[key];
    const origin = loaded.origins.get(key);
    if (listen === undefined || origin === undefined || wildcards.includes(listen.host)) return [];
    return problem(
      origin.placeOf([]),
      key,
      `${hostPortText(listen)} would be the same on all ${members.length} machines`,
      { suggestion: `remove it (each node's own entry is the default), or write 0.0.0.0:${listen.port}` },
    );
  });
}

function aboutMembers(members: readonly MemberConfig[]): readonly string[] {
  const notes: string[] = [];
  const { length } = members;
  if (length > 0 && length < 3) {
    notes.push(`${length} ${length === 1 ? "member tolerates" : "members tolerate"} no failure; use 3 or 5`);
  } else if (length % 2 === 0 && length > 0) {
    notes.push(`${length} members tolerate no more failures than ${length - 1}; use an odd number`);
  }
  const hosts = members.map(({ peer }) => new URL(`tcp://${peer}`).hostname);
  const shared = hosts.find((host, index) => hosts.indexOf(host) !== index);
  if (shared !== undefined) {
    notes.push(`several members are on ${shared}: each needs a dataDir of its own, and they fail together`);
  }
  return notes;
}

function fingerprintOf({ values }: LoadedSettings, members: readonly MemberConfig[]): string | null {
  const name = values["cluster.name"];
  if (name === undefined || members.length === 0) return null;
  return `${name}-${memberListDigest(members).slice(0, 12)}`;
}
