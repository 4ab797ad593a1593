/** What a node that does not lead does with a call: by its configuration, by the call's own wish, by its client. */
import { encodeCall, Fault, faultCodes } from "@quorate/protocol";
import { describe, expect, it } from "vitest";
import { until } from "../cluster/cluster.js";
import { type Answer, type AskOptions, ask } from "../cluster/rpc.js";
import { InProcessCluster } from "./in-process-cluster.js";
import { head, RawClient } from "./raw-client.js";

type Mode = "redirect" | "forward" | "fault";
const modes: readonly Mode[] = ["redirect", "forward", "fault"];

const curl = "curl/7.88.1";
const python = "Python-xmlrpc/3.11";

async function startWith(routing: (index: number) => Mode | "auto"): Promise<InProcessCluster> {
  const cluster = await InProcessCluster.prepare(3);
  // Long election timeouts: a busy machine must not change who leads in the middle of a test.
  const raft = { heartbeatMs: 50, electionTimeoutMs: 2_000 };
  for (const [index, config] of cluster.configs.entries()) {
    Object.assign(config, { routing: routing(index), raft });
  }
  await Promise.all(cluster.configs.map(({ node }) => cluster.startNode(node)));
  await cluster.ready();
  return cluster;
}

const write = (url: string, options: AskOptions) => ask(url, "kv.incr", ["n"], options);

function modeOf({ status, result, headers }: Answer): Mode | undefined {
  expect(headers.get("content-length")).not.toBeNull();
  expect(headers.get("quorate-index")).toMatch(/^[0-9a-f]{8}:\d+$/);
  if (status === 307) return "redirect";
  if (typeof result === "number") return "forward";
  return result instanceof Fault && result.faultCode === faultCodes.notLeader ? "fault" : undefined;
}

describe("a node that does not lead", () => {
  it("does what its configuration says, whoever calls", async () => {
    await using cluster = await startWith((index) => modes[index] ?? "auto");
    for (const follower of await cluster.followers()) {
      for (const userAgent of [curl, python]) {
        const answer = await write(cluster.url(follower), { userAgent });
        expect(modeOf(answer)).toBe(cluster.config(follower).routing);
      }
      // A call's own wish counts more, and the parameter more than the header.
      for (const mode of modes) {
        const headers = { "quorate-route": mode };
        expect(modeOf(await write(cluster.url(follower), { headers }))).toBe(mode);
        const other = { headers: { "quorate-route": "auto" }, query: `?route=${mode}` };
        expect(modeOf(await write(cluster.url(follower), other))).toBe(mode);
      }
      const auto = { query: "?route=auto" };
      expect(modeOf(await write(cluster.url(follower), { ...auto, userAgent: python }))).toBe("forward");
      expect(modeOf(await write(cluster.url(follower), { ...auto, userAgent: curl }))).toBe("redirect");
    }
  });

  it("never redirects a call that was redirected already", async () => {
    await using cluster = await startWith(() => "redirect");
    const leader = await cluster.leader();
    const [follower, other] = await cluster.followers();
    const redirected = await write(cluster.url(follower), { userAgent: curl, query: "?x=y" });
    expect(redirected.status).toBe(307);
    const location = new URL(redirected.headers.get("location") ?? "");
    expect(location.href).toBe(`${cluster.url(leader)}/RPC2?x=y&quorate-hop=1`);
    // As if leadership had moved while the client was on its way: it arrives at a node that does not lead.
    const options = { userAgent: curl, query: location.search, headers: { "quorate-route": "redirect" } };
    expect(modeOf(await write(cluster.url(other ?? ""), options))).toBe("forward");
  });

  it("marks a redirect where it is read, also if the address came with a fragment", async () => {
    await using cluster = await startWith(() => "redirect");
    const leader = await cluster.leader();
    const [follower = ""] = await cluster.followers();
    using client = new RawClient(cluster.url(follower));
    const body = encodeCall("kv.set", ["a", 1]);
    client.send(
      head("POST /RPC2?x=y#z HTTP/1.1", { "User-Agent": curl, "Content-Length": body.length }),
      body,
    );
    const { headers } = await client.response();
    expect(headers.get("location")).toBe(`${cluster.url(leader)}/RPC2?x=y&quorate-hop=1`);
  });

  it("says that there is no leader with 503 only to those it would redirect", async () => {
    await using cluster = await startWith(() => "auto");
    const [survivor, other] = await cluster.followers();
    await cluster.stopNode(other ?? "");
    await cluster.stopNode(await cluster.leader());
    await until("the survivor to know", async () =>
      (await cluster.status(survivor)).leader === null ? true : undefined,
    );
    const cases: [AskOptions, number][] = [
      [{ userAgent: curl }, 503],
      [{ userAgent: python, query: "?route=redirect" }, 503],
      [{ userAgent: python }, 200],
      [{ userAgent: curl, query: "?quorate-hop=1" }, 200],
      [{ userAgent: curl, query: "?route=fault" }, 200],
      [{ userAgent: curl, headers: { authorization: "Basic eDp5" } }, 200],
    ];
    const answers = await Promise.all(cases.map(([options]) => write(cluster.url(survivor), options)));
    expect(answers.map(({ status }) => status)).toEqual(cases.map(([, status]) => status));
    for (const { status, headers, result } of answers) {
      expect(result).toMatchObject({
        faultCode: faultCodes.noLeader,
        message: expect.stringContaining("not executed"),
      });
      expect(headers.get("retry-after")).toBe(status === 503 ? "1" : null);
      expect(headers.get("quorate-leader")).toBeNull();
    }
  });
});
