/** A tiny run of the codec's benchmark: every codec reads and writes every document. No expectation of speed. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { requireProgram } from "../support/system.js";
import { programFile } from "./child.js";

interface Part {
  readonly document: string;
  readonly operation: string;
  readonly results: readonly {
    readonly name: string;
    readonly microseconds: number;
    readonly ratio: number;
  }[];
}

test.runIf(requireProgram("python3", "python3"))("times every codec", { timeout: 120_000 }, async () => {
  const args = [programFile("codec.js"), "--rounds", "1", "--warm-up", "1", "--json"];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stderr).toBe("");
  const report = JSON.parse(stdout) as readonly Part[];
  const decode = ["ours", "full path", "CPython", "npm xmlrpc"];
  const encode = ["ours", "CPython", "npm xmlrpc"];
  expect(
    report.map(({ document, operation, results }) => [document, operation, results.map(({ name }) => name)]),
  ).toStrictEqual(
    ["small", "large", "blob"].flatMap((document) => [
      [document, "decode", decode],
      [document, "encode", encode],
    ]),
  );
  const figures = report.flatMap(({ results }) =>
    results.flatMap(({ microseconds, ratio }) => [microseconds, ratio]),
  );
  expect(figures.filter((figure) => !(figure > 0 && figure < 60e6))).toStrictEqual([]);
});
