import { describe, expect, it } from "vitest";
import { BadCallOption, readCallOptions } from "./call-options.js";

const read = (url: string, headers: Record<string, string> = {}) =>
  readCallOptions(url, { "user-agent": "curl/7.88.1", ...headers }, "auto", "anna");

describe("options of a call", () => {
  it("have defaults", () => {
    expect(read("/RPC2")).toEqual({
      caller: "anna",
      consistency: "linearizable",
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
    expect(readCallOptions("/RPC2", { "user-agent": "curl" }, "fault", "").route).toBe("fault");
  });

  it("carry the idempotency key to where it is refused", () => {
    expect(read("/RPC2", { "idempotency-key": "k1" }).idempotencyKey).toBe("k1");
  });

  it.each([
    ["/RPC2?max_staleness=500ms", {}, "max_staleness"],
    ["/RPC2?min_index=c0ffee00:1", {}, "min_index"],
    ["/RPC2", { "quorate-max-staleness": "500ms" }, "max_staleness"],
    ["/RPC2", { "quorate-min-index": "c0ffee00:1" }, "min_index"],
    ["/RPC2?consistency=eventual", {}, "eventual"],
    ["/RPC2?consistency=", {}, "consistency"],
    ["/RPC2?route=teleport", {}, "teleport"],
    ["/RPC2?route=fault&route=forward", {}, "route is given 2 times"],
  ])("%s %j is refused by name, not ignored", (url, headers, named) => {
    expect(() => read(url, headers)).toThrow(BadCallOption);
    expect(() => read(url, headers)).toThrow(named);
  });

  it("repeat only a little of what a stranger sent", () => {
    expect(() => read(`/RPC2?route=${"x".repeat(5000)}`)).toThrow(/^.{1,150}$/);
  });
});
