/**
 * Small files that must survive a power loss. Synchronous on purpose: they are written at birth and at
 * repair only, when the process has nothing else to do, and never half-way between two turns.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Replaces `path` atomically: file and folder are synced when it returns, and a crash leaves old or new. */
export function replaceFile(path: string, content: string): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, "w", 0o600);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/** What a folder is marked with for good: a marker that is there already stays. Durable when it returns. */
export function placeMarker(path: string, content: string): void {
  if (!existsSync(path)) replaceFile(path, content);
}

/** Makes created, renamed and deleted names in `directory` durable. */
export function syncDirectory(directory: string): void {
  const folder = openSync(directory, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
