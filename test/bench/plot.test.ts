/** The plot is a document that any reader of XML and SVG takes. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { requireProgram } from "../support/system.js";
import { type Plot, svgOf } from "./plot.js";

const plot: Plot = {
  title: 'one < two & "three"',
  xLabel: "calls a second",
  yLabel: "ms",
  series: [
    {
      name: "a, p99",
      group: 0,
      dashed: false,
      points: [
        { x: 100, y: 0.5 },
        { x: 4321, y: 87 },
      ],
    },
    { name: "a, p50", group: 0, dashed: true, points: [{ x: 4321, y: 3 }] },
    { name: "nothing measured", group: 1, dashed: false, points: [] },
  ],
};

describe.runIf(requireProgram("python3", "python3"))("a reader of XML", () => {
  test.each([
    ["takes a plot", plot],
    ["takes an empty one", { ...plot, series: [] }],
  ])("%s", (_, one) => {
    const read = "import sys, xml.etree.ElementTree as E; print(E.fromstring(sys.stdin.buffer.read()).tag)";
    const { stdout, stderr } = spawnSync("python3", ["-c", read], { input: svgOf(one) });
    expect(stderr.toString()).toBe("");
    expect(stdout.toString().trim()).toBe("{http://www.w3.org/2000/svg}svg");
  });
});

test("every series has its line, every point its mark, inside the picture", () => {
  const svg = svgOf(plot);
  expect(svg.match(/<polyline/g)).toHaveLength(3);
  expect(svg.match(/stroke-dasharray/g)).toHaveLength(2);
  const marks = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ]);
  expect(marks).toHaveLength(3);
  for (const [x, y] of marks) {
    expect(x).toBeGreaterThan(69);
    expect(x).toBeLessThan(611);
    expect(y).toBeGreaterThan(49);
    expect(y).toBeLessThan(421);
  }
  // More load lies to the right, more latency higher up: 87 ms above 3 ms above 0.5 ms.
  const [low, high, middle] = marks;
  expect(low?.[0]).toBeLessThan(high?.[0] ?? 0);
  expect(high?.[1]).toBeLessThan(middle?.[1] ?? 0);
  expect(middle?.[1]).toBeLessThan(low?.[1] ?? 0);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});
