/** The schema for editors agrees with what the server reads: on the shipped files, and on mistakes. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { projectRoot, quorateCommand } from "../support/project-root.js";

const schema = JSON.parse(
  execFileSync(process.execPath, [quorateCommand, "config", "schema"], { encoding: "utf8" }),
) as object;
const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);
const example = readFileSync(join(projectRoot, "deploy/example/quorate.yaml"), "utf8");

test("the shipped example is valid", () => {
  expect([validate(parse(example)), validate.errors]).toEqual([true, null]);
});

describe("mistakes are underlined", () => {
  test.each([
    ["an unknown setting", { electionTimeout: "1s" }, "additional"],
    ["an unknown setting in a section", { raft: { hartbeat: "50ms" } }, "additional"],
    ["a time without a unit", { raft: { heartbeat: "50" } }, "pattern"],
    ["a number for a time", { raft: { heartbeat: 50 } }, "string"],
    ["an unknown mode", { routing: "proxy" }, "equal to one of"],
    ["a member without an address", { cluster: { members: [{ id: "n1", peer: "a:1" }] } }, "required"],
    ["no member", { cluster: { members: [] } }, "fewer than 1"],
    ["text for a switch", { insecure: "yes" }, "boolean"],
  ])("%s", (_, config, message) => {
    expect(validate(config)).toBe(false);
    expect(JSON.stringify(validate.errors)).toContain(message);
  });
});

test("every setting is described", () => {
  const { properties } = schema as {
    properties: Record<string, { description?: string; properties?: object }>;
  };
  expect(properties.node?.description).toContain("this node's id");
  const described = Object.values(properties).flatMap((property) =>
    property.properties === undefined ? [property] : Object.values(property.properties),
  );
  expect(described.filter(({ description }) => typeof description !== "string")).toEqual([]);
});
