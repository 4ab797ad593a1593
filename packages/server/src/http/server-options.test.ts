import { fastify } from "fastify";
import { expect, it } from "vitest";
import { serverOptions } from "./server-options.js";

it("limits what Node and fastify would leave open", async () => {
  const limits = { headersTimeoutMs: 10_000, requestTimeoutMs: 30_000, keepAliveTimeoutMs: 75_000 };
  const app = fastify(serverOptions(limits));
  expect(app.server).toMatchObject({
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 75_000,
    timeout: 120_000,
  });
  await app.close();
});
