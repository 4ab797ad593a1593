/** A wall clock that a test sets while a process runs, by libfaketime; the monotonic one goes on as it is. */
import { readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a process needs in its environment, beside the preloaded library, to take its time from a file. */
export function clockFrom(file: string): readonly string[] {
  return [
    `FAKETIME_TIMESTAMP_FILE=${file}`,
    "FAKETIME_NO_CACHE=1",
    "DONT_FAKE_MONOTONIC=1",
    "NO_FAKE_STAT=1",
    "FAKETIME_DISABLE_SHM=1",
  ];
}

/** How far the clock is ahead of the machine's. */
export function setClock(file: string, seconds: number): void {
  // A reader finds the old text or the new one, never half of it.
  writeFileSync(`${file}.new`, `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}\n`);
  renameSync(`${file}.new`, file);
}

/** @throws Error with an install line where it is missing */
export function faketimeLibrary(): string {
  const places = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];
  // Debian keeps it below the folder of its architecture, others do not.
  const folders = places.flatMap((place) => [place, ...namesIn(place).map((name) => join(place, name))]);
  for (const folder of folders) {
    const name = namesIn(join(folder, "faketime")).find((candidate) => candidate === "libfaketime.so.1");
    if (name !== undefined) return join(folder, "faketime", name);
  }
  throw new Error(`no faketime/libfaketime.so.1 below ${places.join(", ")}: apt-get install -y faketime`);
}

/** Empty for what is no folder. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
