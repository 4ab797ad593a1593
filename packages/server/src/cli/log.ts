/** `quorate log DIR`: the log of a stopped node, entry by entry. */
import type { Value } from "@quorate/protocol";
import { decodeMembership, type Entry, EntryType } from "@quorate/raft/core";
import { ForeignDataDirectory, openLogReadOnly, type ReadOnlyLog, StorageInUse } from "@quorate/raft/level";
import { decodeLogEntry, type LogEntry, LogEntryError } from "../state/log-entry.js";
import { CommandFailed, exitCodes } from "./exit-codes.js";
import { jsonOfValue } from "./json-values.js";
import { type OutputFormat, table } from "./output.js";

export interface LogOptions {
  readonly directory: string;
  /** First and last index; null: as far as the log goes. */
  readonly from: number | null;
  readonly to: number | null;
  /** Only that many of the newest ones up to `to`; null: all from `from`. */
  readonly last: number | null;
  /** Parameters uncut. */
  readonly full: boolean;
  readonly output: OutputFormat;
}

export interface LogOutput {
  /** Standard output, in pieces of some lines. */
  write(text: string): Promise<void>;
  /** Standard error. */
  note(text: string): void;
}

/** Characters of parameters in one line of a table, and in one object of JSON. */
const paramsLengthMax = { table: 60, json: 2000 } as const;
/** Bytes of entries that are read, and lines that are lined up with each other, at a time. */
const pageBytes = 1024 * 1024;
const pageLength = 500;

/** @throws CommandFailed */
export async function log(options: LogOptions, out: LogOutput): Promise<void> {
  const opened = await open(options.directory);
  try {
    const { identity, restored } = opened;
    const first = restored.compacted.index + 1;
    const last = restored.last.index;
    const to = Math.min(options.to ?? last, last);
    const from = Math.max(options.from ?? (options.last === null ? first : to - options.last + 1), first);
    const held = last < first ? "no entry" : `entries ${first} to ${last}`;
    out.note(
      `${identity.nodeId} of cluster ${identity.clusterName}: ${held}, ` +
        `term ${restored.hardState.term}, executed up to ${restored.applied}`,
    );
    if (first > 1) out.note(`entries before ${first} were compacted away`);
    if (from > first && options.from === null && from <= to) {
      out.note(`entries before ${from} are not shown; --from ${first} shows them`);
    }
    await writeEntries(opened, from, to, options, out);
  } catch (error) {
    throw refused(error);
  } finally {
    await opened.close();
  }
}

async function open(directory: string): Promise<ReadOnlyLog> {
  try {
    return await openLogReadOnly(directory);
  } catch (error) {
    throw refused(error);
  }
}

function refused(error: unknown): unknown {
  if (error instanceof ForeignDataDirectory) return new CommandFailed(error.message, exitCodes.usage);
  if (error instanceof StorageInUse) {
    const message = `a running node uses ${error.directory}; stop it first, or ask it with \`quorate status\``;
    return new CommandFailed(message, exitCodes.inUse);
  }
  return error instanceof Error ? new CommandFailed(error.message, exitCodes.failure) : error;
}

async function writeEntries(
  opened: ReadOnlyLog,
  from: number,
  to: number,
  { output, full }: LogOptions,
  out: LogOutput,
): Promise<void> {
  let header = true;
  for (let next = from; next <= to; ) {
    const entries = await opened.readEntries(next, Math.min(to, next + pageLength - 1), pageBytes);
    const rows = entries.map((entry) =>
      rowOf(entry, full ? Number.POSITIVE_INFINITY : paramsLengthMax[output]),
    );
    await out.write(output === "json" ? rows.map(jsonLine).join("") : page(rows, header));
    header = false;
    next += entries.length;
  }
}

interface Row {
  readonly index: number;
  readonly term: number;
  readonly kind: string;
  /** ISO 8601, UTC; null for Raft's own entries. */
  readonly time: string | null;
  readonly caller: string;
  readonly method: string;
  /** JSON text, cut at the bound. */
  readonly params: string;
  readonly cut: boolean;
  readonly entry: LogEntry | null;
}

function rowOf(entry: Entry, lengthMax: number): Row {
  const row = { index: entry.index, term: entry.term, time: null, caller: "", method: "", entry: null };
  const cut = (text: string) => ({ params: text.slice(0, lengthMax), cut: text.length > lengthMax });
  if (entry.type === EntryType.noOp) return { ...row, kind: "no-op", params: "", cut: false };
  if (entry.type === EntryType.membership)
    return { ...row, kind: "membership", ...cut(membershipText(entry)) };
  let decoded: LogEntry;
  try {
    decoded = decodeLogEntry(entry.data);
  } catch (error) {
    // Written by another version: the rest of the log can be read all the same.
    if (!(error instanceof LogEntryError)) throw error;
    return { ...row, kind: "unknown", ...cut(JSON.stringify(error.message)) };
  }
  return {
    ...row,
    kind: decoded.kind,
    time: timeText(decoded.now),
    caller: decoded.caller,
    method: decoded.kind === "batch" ? `${decoded.params.length} calls` : decoded.method,
    entry: decoded,
    ...cut(visible(paramsText(decoded.params))),
  };
}

/** A clock may have been far beyond what a date can be. */
function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

/** On one line; line ends inside of texts are escaped. */
const paramsText = (params: readonly Value[]): string =>
  jsonOfValue([...params], "", "")
    .replaceAll(",\n", ", ")
    .replaceAll("\n", "");

function membershipText({ data }: Entry): string {
  const { clusterId, members, voters, votersOutgoing, learners, recoveredFrom } = decodeMembership(data);
  return JSON.stringify({ voters, votersOutgoing, learners, members, clusterId, recoveredFrom });
}

/** JSON leaves the C1 controls, line separators and direction marks as they are; a terminal obeys them. */
const visible = (text: string): string =>
  text.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

function page(rows: readonly Row[], header: boolean): string {
  const lines = table(
    ["INDEX", "TERM", "KIND", "TIME", "CALLER", "METHOD", "PARAMETERS"],
    rows.map((row) => [
      row.index,
      row.term,
      row.kind,
      row.time ?? "",
      plain(row.caller),
      plain(row.method),
      `${row.params}${row.cut ? "…" : ""}`,
    ]),
  ).split("\n");
  return `${(header ? lines : lines.slice(1)).join("\n")}\n`;
}

/** A name as it is, anything else quoted. */
const plain = (text: string): string => (/^[\w.@: -]*$/.test(text) ? text : visible(JSON.stringify(text)));

/** One object per line: a log is a stream. Parameters beyond the bound are text that is cut, never wrong JSON. */
function jsonLine({ index, term, kind, time, caller, method, params, cut, entry }: Row): string {
  const fields = [
    `"index":${index},"term":${term},"kind":${JSON.stringify(kind)},"time":${JSON.stringify(time)}`,
    `"method":${JSON.stringify(kind === "command" ? method : null)}`,
    cut
      ? `"params":null,"paramsStart":${JSON.stringify(params)}`
      : `"params":${params === "" ? "null" : params}`,
    `"caller":${JSON.stringify(caller)}`,
  ];
  if (entry !== null) {
    const { service, sha256, session, seq, key, elapsed } = entry;
    fields.push(JSON.stringify({ service, sha256, session, seq, key, elapsed }).slice(1, -1));
  }
  return `{${fields.join(",")}}\n`;
}
