import type { NodeStatus } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { describeChecks, readinessChecks, readinessStatus } from "./health.js";

const healthy = {
  id: "n1",
  born: true,
  missing: [],
  rebuilding: [],
  removed: false,
  leader: "n2",
  term: 3,
  commit: 1000,
  applied: 1000,
  held: null,
} as unknown as NodeStatus;

const failing = (part: Partial<NodeStatus>, draining = false) =>
  readinessChecks({ ...healthy, ...part }, draining)
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);

describe("readiness", () => {
  it("needs a founded cluster, a leader, little left to execute, and a node that stays", () => {
    expect(failing({})).toEqual([]);
    expect(failing({ born: false, missing: ["n3"] })).toEqual(["born"]);
    expect(failing({ leader: null })).toEqual(["leader"]);
    expect(failing({ held: { index: 1001, why: "it ended this process" } })).toEqual(["applied"]);
    expect(failing({ leader: null, removed: true })).toEqual(["member", "leader"]);
    expect(failing({ applied: 900 })).toEqual([]);
    expect(failing({ applied: 899 })).toEqual(["applied"]);
    expect(failing({}, true)).toEqual(["serving"]);
  });

  it("is told by a status, with one of its own for a node that is only stopping where it is asked for", () => {
    const status = (part: Partial<NodeStatus>, draining: boolean, tellStopping: boolean) =>
      readinessStatus(readinessChecks({ ...healthy, ...part }, draining), tellStopping);
    expect([status({}, false, false), status({}, false, true)]).toEqual([200, 200]);
    expect([status({}, true, false), status({}, true, true)]).toEqual([503, 404]);
    expect([status({ leader: null }, false, true), status({ leader: null }, true, true)]).toEqual([503, 503]);
  });

  it("says that a node waits because its disk was damaged", () => {
    const [born] = readinessChecks({ ...healthy, born: false, rebuilding: ["n1"] }, false);
    expect(born?.detail).toContain("the disk was damaged and begins anew");
  });

  it("is told one check per line", () => {
    const text = describeChecks(readinessChecks({ ...healthy, born: false, missing: ["n3"] }, false));
    expect(text.split("\n")).toEqual([
      "FAIL born: waiting for n3",
      "ok   member: it was not removed",
      "ok   leader: n2 leads in term 3",
      "ok   applied: 0 committed entries are not executed yet",
      "ok   serving: this node takes calls",
      "",
    ]);
  });
});
