/** Stock clients, unmodified, on the leader and on a follower of a real cluster. See README.md in this folder. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster, type ClusterNode } from "../cluster/cluster.js";
import { projectRoot } from "../support/project-root.js";
import { requireWorking } from "../support/system.js";
import { clients } from "./clients.js";
import { answers, features } from "./features.js";
import { differences, heading, notes, row, unseenFlaws } from "./table.js";
import { plant, routeCounts, tryClient } from "./trial.js";

const readmeFile = join(projectRoot, "test/interop/README.md");
const [before = "", rest = ""] = readFileSync(readmeFile, "utf8").split("<!-- table -->\n");
const [table = "", after = ""] = rest.split("<!-- end of table -->\n");

/** Without the padding that the formatter gives to a table. */
const unpadded = (text: string) => text.replace(/ +/g, " ").replace(/-{2,}/g, "-").trim();

let cluster: Cluster;
let leader: ClusterNode;
let follower: ClusterNode;
let scratch: string;
const found: string[] = [];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "quorate-interop-"));
  // Who leads has to stay the same: many processes start here, and a busy machine is no reason for an election.
  const settings = { raft: { heartbeat: "200ms", electionTimeout: "5s" } };
  cluster = await Cluster.start({ nodes: 3, settings });
  leader = await cluster.leader();
  follower = (await cluster.followers())[0] ?? expect.fail("no follower");
  await plant(leader);
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

describe.each(clients)("$name", (client) => {
  test.runIf(requireWorking(client.probe, client.packages))("on the leader and on a follower", async () => {
    const command = (await client.build?.(scratch)) ?? client.command;
    const direct = await tryClient(command, leader, { leader, prefix: `out/${client.name}/1` });
    expect(differences(client, direct)).toEqual([]);
    expect(unseenFlaws(client, direct)).toEqual([]);
    // It was not cut short.
    expect([...direct.keys()]).toEqual(expect.arrayContaining(answers.map((answer) => `receive ${answer}`)));
    expect(direct.size).toBeGreaterThan(features.size);

    const start = await routeCounts(follower);
    const routed = await tryClient(command, follower, { leader, prefix: `out/${client.name}/2` });
    const end = await routeCounts(follower);
    expect(routed).toEqual(direct);
    const [redirected, forwarded] = [end.redirects - start.redirects, end.forwards - start.forwards];
    if (client.route === "forward") expect(redirected).toBe(0);
    else expect(forwarded).toBe(0);
    expect(redirected + forwarded).toBeGreaterThan(features.size);

    const line = row(client, direct);
    found.push(line);
    if (process.env.UPDATE_TABLE === undefined) expect(unpadded(table).split("\n")).toContain(line);
  });
});

test("the table in the README is what was found", () => {
  const all = clients.length === found.length;
  const generated = `${[heading(), ...found, "", ...clients.map(notes).filter((note) => note !== "")].join("\n")}\n`;
  if (process.env.UPDATE_TABLE !== undefined && all) {
    writeFileSync(readmeFile, `${before}<!-- table -->\n${generated}<!-- end of table -->\n${after}`);
  } else if (all) {
    expect(unpadded(table)).toBe(unpadded(generated));
  }
});
