import { describe, expect, it } from "vitest";
import { BadCallOption, readCallOptions } from "./call-options.js";

const read = (url: string, headers: Record<string, string> = {}) =>
  readCallOptions(
    url,
    { "user-agent": "curl/7.88.1", ...headers },
    { mode: "auto", tag: "c0ffee00" },
    "anna",
  );

describe("options of a call", () => {
  it("have defaults", () => {
    expect(read("/RPC2")).toEqual({
      caller: "anna",
      consistency: "linearizable",
      maxStalenessMs: null,
      minIndex: null,
      route: "redirect",
      idempotencyKey: null,
    });
  });

  it.each([
    ["/RPC2?consistency=stale", {}, "stale"],
    ["/RPC2", { "quorate-consistency": "stale" }, "stale"],
    ["/RPC2?consistency=linearizable", { "quorate-consistency": "stale" }, "linearizable"],
    ["/RPC2?other=1&consistency=stale", {}, "stale"],
  ])("%s %j reads %s", (url, headers, consistency) => {
    expect(read(url, headers).consistency).toBe(consistency);
  });

  it.each([
    ["/RPC2?consistency=stale&max_staleness=500ms", {}, 500],
    ["/RPC2?consistency=stale", { "quorate-max-staleness": "2s" }, 2000],
    ["/RPC2", { "quorate-consistency": "stale", "quorate-max-staleness": "0ms" }, 0],
    ["/RPC2?max_staleness=1.5s", { "quorate-consistency": "stale", "quorate-max-staleness": "1m" }, 1500],
  ])("%s %j bounds staleness by %i ms", (url, headers, maxStalenessMs) => {
    expect(read(url, headers)).toMatchObject({ consistency: "stale", maxStalenessMs });
  });

  it.each([
    ["/RPC2?min_index=c0ffee00:41", {}, 41],
    ["/RPC2?min_index=c0ffee00%3A41", {}, 41],
    ["/RPC2?consistency=stale", { "quorate-min-index": "c0ffee00:0" }, 0],
    ["/RPC2?min_index=c0ffee00:42", { "quorate-min-index": "c0ffee00:1" }, 42],
  ])("%s %j asks for index %i", (url, headers, minIndex) => {
    expect(read(url, headers).minIndex).toBe(minIndex);
  });

  it("leave the judgement of a token to born nodes: an unborn one has applied nothing anyway", () => {
    const unborn = { mode: "auto", tag: "" } as const;
    expect(readCallOptions("/RPC2?min_index=c0ffee00:1", {}, unborn, "").minIndex).toBe(1);
    expect(() => readCallOptions("/RPC2?min_index=1", {}, unborn, "")).toThrow(BadCallOption);
  });

  it.each([
    ["/RPC2?route=forward", {}, "forward"],
    ["/RPC2?route=auto", {}, "redirect"],
    ["/RPC2", { "quorate-route": "fault" }, "fault"],
    ["/RPC2?route=forward", { "quorate-route": "fault" }, "forward"],
    ["/RPC2?quorate-hop=1", {}, "forward"],
    ["/RPC2?route=redirect&quorate-hop=1", {}, "forward"],
    ["/RPC2", { authorization: "Basic eDp5" }, "forward"],
  ])("%s %j goes by %s", (url, headers, route) => {
    expect(read(url, headers).route).toBe(route);
  });

  it("follow the node's configuration where the call says nothing", () => {
    expect(readCallOptions("/RPC2", { "user-agent": "curl" }, { mode: "fault", tag: "" }, "").route).toBe(
      "fault",
    );
  });

  it("carry the idempotency key to where it is refused", () => {
    expect(read("/RPC2", { "idempotency-key": "k1" }).idempotencyKey).toBe("k1");
  });

  it.each([
    ["/RPC2?max_staleness=500ms", {}, "max_staleness bounds stale reads only"],
    ["/RPC2", { "quorate-max-staleness": "500ms" }, "max_staleness bounds stale reads only"],
    ["/RPC2?consistency=stale&max_staleness=500", {}, "max_staleness must be a duration such as 500ms"],
    ["/RPC2?consistency=stale&max_staleness=", {}, "max_staleness"],
    ["/RPC2?consistency=stale&max_staleness=-1s", {}, "max_staleness"],
    ["/RPC2?consistency=stale&max_staleness=1s&max_staleness=2s", {}, "given 2 times"],
    ["/RPC2?min_index=41", {}, 'min_index must be what Quorate-Index said, such as c0ffee00:41, not "41"'],
    ["/RPC2?min_index=", {}, "min_index"],
    ["/RPC2?min_index=c0ffee00:-1", {}, "min_index"],
    ["/RPC2?min_index=c0ffee00:041", {}, "min_index"],
    ["/RPC2?min_index=c0ffee00:9999999999999999", {}, "min_index"],
    ["/RPC2", { "quorate-min-index": "C0FFEE00:1" }, "min_index"],
    ["/RPC2?min_index=deadbeef:1", {}, "cluster deadbeef, but this node belongs to cluster c0ffee00"],
    ["/RPC2?consistency=eventual", {}, "eventual"],
    ["/RPC2?consistency=", {}, "consistency"],
    ["/RPC2?route=teleport", {}, "teleport"],
    ["/RPC2?route=fault&route=forward", {}, "route is given 2 times"],
  ])("%s %j is refused by name, not ignored", (url, headers, named) => {
    expect(() => read(url, headers)).toThrow(BadCallOption);
    expect(() => read(url, headers)).toThrow(named);
  });

  it("repeat only a little of what a stranger sent", () => {
    const long = "x".repeat(5000);
    for (const option of [`route=${long}`, `min_index=${long}`, `consistency=stale&max_staleness=${long}`]) {
      expect(() => read(`/RPC2?${option}`)).toThrow(/^.{1,160}$/);
    }
  });
});
