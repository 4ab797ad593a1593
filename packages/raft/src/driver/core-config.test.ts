import { describe, expect, it } from "vitest";
import { coreConfig, tickMsOf } from "./core-config.js";

const of = (heartbeatMs: number, electionTimeoutMs: number) =>
  coreConfig("n1", { heartbeatMs, electionTimeoutMs }, Math.random);

describe("core configuration", () => {
  it("turns milliseconds into ticks of a fifth of a heartbeat", () => {
    expect(tickMsOf({ heartbeatMs: 50, electionTimeoutMs: 500 })).toBe(10);
    expect(of(50, 500)).toMatchObject({
      heartbeatTicks: 5,
      electionTicks: 50,
      peerLostTicks: 5,
      peerLostRetryTicksMin: 5,
      peerLostRetryTicksMax: 15,
      peerLostRetries: 3,
    });
  });

  it("keeps at least one tick everywhere when heartbeats are slow", () => {
    expect(of(1000, 2000)).toMatchObject({
      electionTicks: 10,
      peerLostTicks: 1,
      peerLostRetryTicksMin: 1,
      peerLostRetryTicksMax: 1,
    });
  });

  it.each([
    [4, 500, /heartbeatMs must be at least 5 milliseconds, not 4/],
    [Number.NaN, 500, /heartbeatMs .* not NaN/],
    [50, 99, /electionTimeoutMs must be at least twice heartbeatMs \(50\).* not 99/],
    [50, Number.POSITIVE_INFINITY, /not Infinity/],
  ])("refuses heartbeat %d with election timeout %d", (heartbeatMs, electionTimeoutMs, message) => {
    expect(() => of(heartbeatMs, electionTimeoutMs)).toThrow(message);
  });
});
