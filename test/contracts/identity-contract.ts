/** What every `IdentityStore` promises. */
import type { Identity, IdentityStore } from "@quorate/raft";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

export interface IdentityHarness {
  /** The store of the same disk, as a new process would open it. */
  open(): IdentityStore;
  dispose(): Promise<void>;
}

export const unborn: Identity = {
  format: 2,
  clusterName: "prod",
  nodeId: "n1",
  incarnation: "first-life",
  clusterId: null,
  born: false,
  retired: null,
};
export const born: Identity = { ...unborn, clusterId: "c1", born: true };

export function identityContract(name: string, makeHarness: () => Promise<IdentityHarness>): void {
  describe(`identity contract: ${name}`, () => {
    let harness: IdentityHarness;

    beforeEach(async () => {
      harness = await makeHarness();
    });
    afterEach(() => harness.dispose());

    test("a folder that never belonged to a node has none", () => {
      expect(harness.open().read()).toBeNull();
    });

    test("what was written is read, also by another process, the last one winning", async () => {
      const store = harness.open();
      await store.write(unborn);
      expect(store.read()).toEqual(unborn);
      await store.write(born);
      expect(store.read()).toEqual(born);
      expect(harness.open().read()).toEqual(born);
    });

    test("names of any characters survive", async () => {
      const odd: Identity = { ...unborn, clusterName: 'Größe "q" \\ \n 漢字', nodeId: "n\u{1f600}" };
      await harness.open().write(odd);
      expect(harness.open().read()).toEqual(odd);
    });

    test("a life that was retired is remembered through the next one, until that one is born", async () => {
      const next: Identity = {
        ...unborn,
        incarnation: "second-life",
        retired: { incarnation: "first-life", at: 7 },
      };
      await harness.open().write(born);
      await harness.open().write(next);
      expect(harness.open().read()).toEqual(next);
      const forgetful: Identity = { ...unborn, incarnation: "third-life" };
      await expect(harness.open().write(forgetful)).rejects.toThrow(/would forget which life it retired/);
      const bornAgain: Identity = { ...next, clusterId: "c1", born: true };
      await harness.open().write(bornAgain);
      expect(harness.open().read()).toEqual(bornAgain);
    });

    test("a new life may follow, and starts unborn", async () => {
      await harness.open().write(born);
      const next: Identity = { ...unborn, incarnation: "second-life" };
      await harness.open().write(next);
      expect(harness.open().read()).toEqual(next);
    });

    test.each<[string, Identity, Identity, RegExp]>([
      ["born without a cluster", unborn, { ...unborn, born: true }, /born without a cluster id/],
      ["unborn again in the same life", born, { ...born, born: false }, /would be unborn again/],
      ["into another cluster in the same life", born, { ...born, clusterId: "c2" }, /from cluster c1 to c2/],
    ])("%s is refused as a bug, and changes nothing", async (_, before, next, message) => {
      await harness.open().write(before);
      await expect(harness.open().write(next)).rejects.toThrow(message);
      expect(harness.open().read()).toEqual(before);
    });
  });
}
