import { RequestFailed } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { decodeValue, encodeValue } from "../state/value-encoding.js";
import type { ClusterView } from "./cluster-watch.js";
import { type ServiceVersion, serviceToValue } from "./forwarding.js";
import { VersionCheck } from "./version-check.js";

const own: ServiceVersion = { service: "stock", sha256: "a".repeat(64) };
const other: ServiceVersion = { service: "stock", sha256: "b".repeat(64) };

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

function rig(versions: Readonly<Record<string, ServiceVersion>>) {
  const listeners = new Set<() => void>();
  const timers = new Set<() => void>();
  const asked: string[] = [];
  const mismatches: string[] = [];
  const watch = {
    view: { leader: null, term: 0, serves: false, tag: "", whyNoLeader: "" } as ClusterView,
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const check = new VersionCheck({
    raft: {
      request: async (peer) => {
        asked.push(peer);
        const version = versions[peer];
        if (version === undefined) throw new RequestFailed("connection refused", false);
        return encodeValue(serviceToValue(version));
      },
    },
    watch,
    clock: {
      after: (_delayMs, callback) => {
        timers.add(callback);
        return () => timers.delete(callback);
      },
    },
    codec: { encodeValue, decodeValue },
    own,
    onMismatch: (sentence) => mismatches.push(sentence),
  });
  const lead = async (id: string, term: number, isThisNode = false) => {
    watch.view = { ...watch.view, leader: { id, url: null, isThisNode }, term };
    for (const listener of [...listeners]) listener();
    await settled();
  };
  const runTimers = async () => {
    for (const callback of [...timers]) {
      timers.delete(callback);
      callback();
    }
    await settled();
  };
  return { check, asked, mismatches, lead, runTimers, timers, listeners };
}

describe("the version of the leader", () => {
  it("is asked once per reign, and may be the same", async () => {
    const { asked, mismatches, lead } = rig({ n2: own, n3: own });
    await lead("n2", 1);
    await lead("n2", 1);
    await lead("n3", 2);
    await lead("n2", 3);
    expect(asked).toEqual(["n2", "n3", "n2"]);
    expect(mismatches).toEqual([]);
  });

  it("ends this node when it is another one, naming both", async () => {
    const { mismatches, lead, listeners, timers } = rig({ n2: other });
    await lead("n2", 1);
    await lead("n2", 2);
    expect(mismatches).toHaveLength(1);
    expect(mismatches[0]).toContain("n2 runs service stock in version bbbbbbbbbbbb");
    expect(mismatches[0]).toContain("this node runs service stock in version aaaaaaaaaaaa");
    expect(listeners.size + timers.size).toBe(0);
  });

  it("is asked again while nobody answers", async () => {
    const versions: Record<string, ServiceVersion> = {};
    const { asked, mismatches, lead, runTimers, timers } = rig(versions);
    await lead("n2", 1);
    await runTimers();
    versions.n2 = other;
    await runTimers();
    expect(asked).toEqual(["n2", "n2", "n2"]);
    expect(mismatches).toHaveLength(1);
    expect(timers.size).toBe(0);
  });

  it("is not asked by the leader itself, nor after closing", async () => {
    const { check, asked, lead } = rig({ n2: other });
    await lead("n1", 1, true);
    check.close();
    await lead("n2", 2);
    expect(asked).toEqual([]);
  });
});
