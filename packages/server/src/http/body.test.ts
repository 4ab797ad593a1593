import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { readBody } from "./body.js";
import { BodyBudget } from "./body-budget.js";
import { BadContent, Overloaded } from "./content.js";

/** A request whose body the test sends piece by piece. */
function request(headers: Record<string, string> = {}): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers }) as unknown as PassThrough & IncomingMessage;
}

interface Ending {
  error: unknown;
  body: string;
}

function read(from: IncomingMessage, budget: BodyBudget, maxBody = 1000): Promise<Ending> {
  return new Promise((resolve) => {
    readBody(from, maxBody, budget, (error, body) => resolve({ error, body: Buffer.from(body).toString() }));
  });
}

/** Sends one piece, and waits until the reader has had it. */
function piece(to: PassThrough, text: string): Promise<void> {
  return new Promise((resolve) => {
    to.once("data", () => setImmediate(resolve));
    to.write(text);
  });
}

test("a body in pieces takes its share until it is handed over", async () => {
  const budget = new BodyBudget(100);
  const slow = request();
  const reading = read(slow, budget);
  await piece(slow, "first ");
  expect(budget.held).toBe(0);
  await piece(slow, "second ");
  expect(budget.held).toBe(13);
  await piece(slow, "third");
  expect(budget.held).toBe(18);
  slow.end();
  expect(await reading).toEqual({ error: null, body: "first second third" });
  expect(budget.held).toBe(0);
});

test("what does not fit into the budget is refused, not executed, and gives its share back", async () => {
  const budget = new BodyBudget(100);
  const [first, second] = [request(), request()];
  const [one, two] = [read(first, budget), read(second, budget)];
  await piece(first, "x".repeat(40));
  await piece(first, "x".repeat(40));
  await piece(second, "y".repeat(15));
  second.write("y".repeat(15));
  expect((await two).error).toBeInstanceOf(Overloaded);
  expect(budget.held).toBe(80);
  first.end();
  expect(await one).toEqual({ error: null, body: "x".repeat(80) });
  expect(budget.held).toBe(0);
});

test("a body that comes at once needs no share", async () => {
  const budget = new BodyBudget(0);
  const quick = request();
  const reading = read(quick, budget);
  quick.end("all of it");
  expect(await reading).toEqual({ error: null, body: "all of it" });
});

test.each([
  ["too large", "z".repeat(1001), 413],
  ["shorter than announced", "z", 400],
])("a body that is %s gives its share back", async (_, text, statusCode) => {
  const budget = new BodyBudget(5000);
  const from = request(statusCode === 400 ? { "content-length": "20" } : {});
  const reading = read(from, budget);
  await piece(from, "a");
  from.end(text);
  const { error } = await reading;
  expect(error).toBeInstanceOf(BadContent);
  expect(error).toMatchObject({ statusCode });
  expect(budget.held).toBe(0);
});
