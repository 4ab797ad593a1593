import { afterEach, expect, test, vi } from "vitest";
import { requireNoObstacles, requireProgram, requireWorking } from "./system.js";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("a program that is there", () => {
  expect(requireProgram("sh", "dash")).toBe(true);
});

test("a missing program is reported once, with the line that installs it", () => {
  vi.stubEnv("CI", undefined);
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  expect(requireProgram("quorate-no-such-program", "some-package")).toBe(false);
  expect(requireProgram("quorate-no-such-program", "some-package")).toBe(false);
  expect(written.mock.calls).toStrictEqual([
    ["SKIPPED: quorate-no-such-program is not installed: apt-get install -y some-package\n"],
  ]);
});

test("with CI=true a missing program fails", () => {
  vi.stubEnv("CI", "true");
  expect(() => requireProgram("quorate-no-such-program", "some-package")).toThrow(
    "apt-get install -y some-package (with CI=true no test may be skipped)",
  );
});

test("any other obstacle is reported the same way", () => {
  vi.stubEnv("CI", undefined);
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  expect(requireNoObstacles([])).toBe(true);
  expect(requireNoObstacles(["this needs root"])).toBe(false);
  expect(written.mock.calls).toStrictEqual([["SKIPPED: this needs root\n"]]);
  vi.stubEnv("CI", "true");
  expect(() => requireNoObstacles(["this needs root"])).toThrow("this needs root (with CI=true");
});

test("what has no program of its own is asked for by a command that needs it", () => {
  expect(requireWorking(["sh", "-c", "true"], ["dash"])).toBe(true);
  vi.stubEnv("CI", "true");
  expect(() => requireWorking(["sh", "-c", "exit 1"], ["one", "two"])).toThrow(
    "what `sh -c exit 1` needs is not installed: apt-get install -y one two",
  );
});
