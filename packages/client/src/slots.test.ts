import { expect, test } from "vitest";
import { Slots } from "./slots.js";

const never = new AbortController().signal;

test("slots go to those who wait, in their order; who left is passed over", async () => {
  const slots = new Slots(1, 10);
  const order: string[] = [];
  const leaving = new AbortController();
  expect(await slots.take(never)).toBe(true);
  const first = slots.take(never).then(() => order.push("first"));
  const second = slots.take(leaving.signal);
  const third = slots.take(never).then(() => order.push("third"));
  leaving.abort();
  expect(await second).toBe(false);
  slots.give();
  await first;
  slots.give();
  await third;
  expect(order).toEqual(["first", "third"]);
  slots.give();
  expect(await slots.take(never)).toBe(true);
});

test("who gave up takes no slot", async () => {
  const slots = new Slots(1, 10);
  expect(await slots.take(AbortSignal.abort())).toBe(false);
  expect(await slots.take(never)).toBe(true);
});

test("is full when as many wait as may", async () => {
  const slots = new Slots(1, 1);
  await slots.take(never);
  expect(slots.isFull).toBe(false);
  const waiting = slots.take(never);
  expect(slots.isFull).toBe(true);
  slots.give();
  await waiting;
  expect(slots.isFull).toBe(false);
});
