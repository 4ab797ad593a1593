/**
 * The identity file: whose disk this is, and whether a database must exist on it. It lies outside the
 * database because LevelDB takes a lost database for a new one.
 */
import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { Identity, IdentityStore, RetiredLife } from "../ports/index.js";
import { replaceFile } from "./durable-file.js";
import { DamagedStorage, StorageFailed, StorageMisuse, UnknownFormat } from "./errors.js";
import { hex } from "./sealed.js";

const identityFormat = 2;
/** Written by releases that knew no retired lives; read, and written anew with the next change. */
const formatWithoutRetired = 1;

/** @param path of the file itself; its folder must exist when `write` is called */
export function openIdentityFile(path: string): IdentityStore {
  return {
    read: () => readIdentity(path),
    write: async (identity) => {
      requireSuccession(readIdentity(path), identity);
      try {
        replaceFile(path, encodeIdentity(identity));
      } catch (error) {
        throw new StorageFailed(`write the identity file ${path}`, error);
      }
    },
  };
}

function readIdentity(path: string): Identity | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new StorageFailed(`read the identity file ${path}`, error);
  }
  return decodeIdentity(path, text);
}

/** One JSON object, one field per line, and a checksum over the other fields. */
export function encodeIdentity(identity: Identity): string {
  const { format, clusterName, nodeId, incarnation, clusterId, born, retired } = identity;
  const fields: Identity = { format, clusterName, nodeId, incarnation, clusterId, born, retired };
  return `${JSON.stringify({ ...fields, checksum: checksumOf(fields) }, null, 2)}\n`;
}

/** @throws DamagedStorage, UnknownFormat */
export function decodeIdentity(path: string, text: string): Identity {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw damaged(path, "a JSON object", `${text.length} characters that are none`, error);
  }
  if (typeof parsed !== "object" || parsed === null) throw damaged(path, "a JSON object", typeof parsed);
  const fields = new Map<string, unknown>(Object.entries(parsed));
  const format = fields.get("format");
  if (typeof format !== "number") throw damaged(path, "a field format", JSON.stringify(format) ?? "none");
  if (format !== identityFormat && format !== formatWithoutRetired)
    throw new UnknownFormat(path, format, identityFormat);

  const textOf = (name: string): string => {
    const value = fields.get(name);
    if (typeof value === "string" && value !== "") return value;
    throw damaged(path, `a non-empty text in field ${name}`, JSON.stringify(value) ?? "none");
  };
  const born = fields.get("born");
  if (typeof born !== "boolean")
    throw damaged(path, "true or false in field born", JSON.stringify(born) ?? "none");
  const identity: Identity = {
    format: identityFormat,
    clusterName: textOf("clusterName"),
    nodeId: textOf("nodeId"),
    incarnation: textOf("incarnation"),
    clusterId: fields.get("clusterId") === null ? null : textOf("clusterId"),
    born,
    retired: format === formatWithoutRetired ? null : readRetired(path, fields.get("retired")),
  };
  const stored = textOf("checksum");
  const computed = checksumOf(identity, format);
  if (stored !== computed) throw damaged(path, `fields with checksum ${stored}`, `fields with ${computed}`);
  if (born && identity.clusterId === null) throw damaged(path, "a cluster id once born", "none");
  return identity;
}

function readRetired(path: string, value: unknown): RetiredLife | null {
  if (value === null) return null;
  const fields = new Map<string, unknown>(Object.entries(value ?? {}));
  const incarnation = fields.get("incarnation");
  const at = fields.get("at");
  if (typeof incarnation !== "string" || incarnation === "" || typeof at !== "number") {
    const found = JSON.stringify(value) ?? "none";
    throw damaged(path, "null, or an incarnation and a time, in field retired", found);
  }
  return { incarnation, at };
}

/** Nothing proves any more which life of the disk this was, so nothing can retire it. */
function damaged(path: string, expected: string, found: string, cause?: unknown): DamagedStorage {
  const advice =
    "Without its identity nothing proves which disk this was, so the node is not rebuilt by itself: start it with an empty data " +
    "directory (move this one away) and give it its place again with quorate replace.";
  return new DamagedStorage(path, expected, found, { cause, advice });
}

/**
 * One life of a disk goes one way: unborn, born. Another incarnation is another life.
 * @throws StorageMisuse
 */
export function requireSuccession(before: Identity | null, next: Identity): void {
  if (next.born && next.clusterId === null) throw new StorageMisuse("identity born without a cluster id");
  if (before === null) return;
  if (before.incarnation !== next.incarnation) {
    // A life that ended in damage must stay known until its place is given to this one.
    if (before.retired !== null && !before.born && next.retired === null)
      throw new StorageMisuse(`identity of ${next.nodeId} would forget which life it retired`);
    return;
  }
  if (before.born && !next.born) throw new StorageMisuse(`identity of ${next.nodeId} would be unborn again`);
  if (before.clusterId !== null && before.clusterId !== next.clusterId) {
    throw new StorageMisuse(
      `identity of ${next.nodeId} would move from cluster ${before.clusterId} to ${next.clusterId}`,
    );
  }
}

function checksumOf(identity: Identity, format: number = identity.format): string {
  const { clusterName, nodeId, incarnation, clusterId, born, retired } = identity;
  const fields = [format, clusterName, nodeId, incarnation, clusterId, born];
  return hex(
    crc32(
      JSON.stringify(
        format === formatWithoutRetired ? fields : [...fields, retired && [retired.incarnation, retired.at]],
      ),
    ),
  );
}
