import { expect, test } from "vitest";
import { connectionRoom, descriptorLimit } from "./descriptors.js";

test.each([
  [65_536, 64_336],
  [4_096, 2_896],
  [1_024, 512],
  [256, 128],
  [1, 1],
])("of %d descriptors, clients may have %d", (descriptors, room) => {
  expect(connectionRoom(descriptors)).toBe(room);
});

test("the limit is what the system says, unknown where it says nothing", () => {
  if (process.platform === "linux") expect(descriptorLimit()).toBeGreaterThan(100);
  expect(descriptorLimit("/no/such/file")).toBeNull();
  expect(descriptorLimit("/dev/null")).toBeNull();
});
