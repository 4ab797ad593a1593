/** Every vector once more, over HTTP, against a real node with the methods that the vectors call. */
import { fileURLToPath } from "node:url";
import { decodeResponse, Fault, isStruct, type Value } from "@quorate/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster } from "../cluster/cluster.js";
import { type RawAnswer, sendRaw } from "./raw-http.js";
import { normalised, type Tagged, toTagged } from "./tagged.js";
import { bodyOf, decidedOtherwise, loadVectors, type ValueDetail, type Vector } from "./vectors.js";

const service = fileURLToPath(new URL("fixtures/echo-service.ts", import.meta.url));

let cluster: Cluster | undefined;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 1, settings: { service } });
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

describe("vectors", () => {
  for (const vector of loadVectors("xmlrpc.json")) {
    test(`${vector.name} (${vector.strength})`, async () => {
      const answer = await send(vector, vector.method ?? "POST");
      expect(Number(answer.headers.get("content-length"))).toBe(answer.body.length);
      expectAnswer(vector, answer);
    });
  }
});

async function send(vector: Vector, method: string): Promise<RawAnswer> {
  const body = bodyOf(vector);
  const chunked = vector.transfer === "chunked";
  const framing: Record<string, string> = chunked
    ? { "Transfer-Encoding": "chunked" }
    : { "Content-Length": String(body.length) };
  if (cluster === undefined) throw new Error("the node has not been started");
  return sendRaw(cluster.node("n1").url, {
    method,
    path: vector.path ?? "/RPC2",
    headers: { "Content-Type": "text/xml", ...framing, ...vector.headers },
    payload: chunked
      ? Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n0\r\n\r\n")])
      : body,
  });
}

function expectAnswer(vector: Vector, answer: RawAnswer): void {
  const { expect: expected } = vector;
  if (expected.kind === "http-error") {
    expect(expected.detail.status).toContain(answer.status);
  } else if (decidedOtherwise.has(vector.name)) {
    expectFault(answer, [-32600]);
  } else if (expected.kind === "value") {
    expect(answer.status, answer.body.toString()).toBe(200);
    expectValue(decodeResponse(answer.body), expected.detail);
  } else {
    expectFault(answer, expected.detail.codes);
  }
}

/** Faults come with status 200: with any other, most clients lose them. */
function expectFault(answer: RawAnswer, codes: readonly number[]): void {
  expect(answer.status).toBe(200);
  const fault = decodeResponse(answer.body);
  if (!(fault instanceof Fault)) throw new Error(`accepted: ${answer.body}`);
  expect(codes, fault.message).toContain(fault.faultCode);
}

function expectValue(result: Value | Fault, detail: ValueDetail): void {
  if (result instanceof Fault) throw result;
  if (detail.params !== undefined) expectTagged(result, { array: detail.params });
  if (detail.result !== undefined) expectTagged(result, detail.result);
  if (detail.resultShape !== undefined) expectShape(result, detail.resultShape);
}

/** A multicall's results: what fails does so in its own slot, as a struct. */
function expectShape(result: Value, shape: readonly (string | Tagged)[]): void {
  const slots = result as Value[];
  expect(slots).toHaveLength(shape.length);
  for (const [index, expected] of shape.entries()) {
    const slot = slots[index] ?? null;
    if (typeof expected !== "string") {
      expectTagged(slot, expected);
      continue;
    }
    const code = expected.replace("fault:", "");
    expect(isStruct(slot) && Object.keys(slot).sort()).toStrictEqual(["faultCode", "faultString"]);
    if (code !== "any") expect(slot).toMatchObject({ faultCode: Number(code) });
  }
}

function expectTagged(value: Value, expected: Tagged): void {
  expect(normalised(toTagged(value))).toStrictEqual(normalised(expected));
}
