/** A stock Python client on any node, and curl on a follower. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireProgram } from "../support/system.js";
import { Cluster } from "./cluster.js";

const run = promisify(execFile);

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 3 });
});
afterAll(async () => cluster[Symbol.asyncDispose]());

const everyKind = `
import sys, datetime
from xmlrpc.client import ServerProxy, DateTime, Binary, Fault
server = ServerProxy(sys.argv[1], use_builtin_types=False)
name = sys.argv[2]
values = [0, -2147483648, 2147483647, True, False, "", "plain", "<&>'\\"", "äöü € 𝄞", " spaces ", 0.0, -1.5, 3.0, 1e-300, 1.7976931348623157e308,
          DateTime("20260228T23:59:59"), Binary(b""), Binary(bytes(range(256))), [], [1, "two", [3.0, []]], {}, {"a": 1, "": {"__proto__": [True]}}]
for index, value in enumerate(values):
    key = f"{name}/{index}"
    assert server.kv.set(key, value) is True
    back = server.kv.get(key)
    assert back == value and type(back) is type(value), (value, back)
try:
    server.kv.get(f"{name}/none")
    raise SystemExit("no fault")
except Fault as fault:
    assert fault.faultCode == 404 and "key not found" in fault.faultString, fault
try:
    server.no.such.method()
    raise SystemExit("no fault")
except Fault as fault:
    assert fault.faultCode == -32601, fault
assert "kv.set" in server.system.listMethods()
assert server.kv.count(name + "/") == len(values)
print("ok")
`;

describe.runIf(requireProgram("python3", "python3"))("Python's xmlrpc.client, unmodified", () => {
  test.each([0, 1, 2])("sets and gets every kind of value on node %i", async (index) => {
    const node = cluster.nodes[index];
    const { stdout } = await run("python3", ["-c", everyKind, node?.rpcUrl ?? "", `from-${index}`]);
    expect(stdout.trim()).toBe("ok");
  });

  test("calls many methods at once with MultiCall, each with its result or its fault", async () => {
    const script = `
import sys
from xmlrpc.client import ServerProxy, MultiCall, Fault
server = ServerProxy(sys.argv[1])
name = sys.argv[2]
many = MultiCall(server)
many.kv.incr(name)
many.kv.get(name + "/none")
many.kv.incr(name, 41)
many.no.such.method()
many.kv.incr(name)
many.kv.get(name)
many.system.methodSignature("kv.delete")
results = many()
def slot(index):
    try:
        return results[index]
    except Fault as fault:
        return fault.faultCode
assert [slot(index) for index in range(7)] == [1, 404, 42, -32601, 43, 43, [["boolean", "string"]]], results.results
reads = MultiCall(server)
reads.kv.get(name)
reads.kv.count(name)
assert list(reads()) == [43, 1]
assert list(MultiCall(server)()) == []
assert "system.multicall" in server.system.getCapabilities()
print("ok")
`;
    for (const [index, node] of cluster.nodes.entries()) {
      const { stdout } = await run("python3", ["-c", script, node.rpcUrl, `many-${index}`]);
      expect(stdout.trim()).toBe("ok");
    }
  });

  test("follows a 307 with a small transport of its own", async () => {
    const script = `
import sys, xmlrpc.client
from urllib.parse import urlsplit, urlunsplit
class FollowingTransport(xmlrpc.client.Transport):
    user_agent = "redirect-following client"
    redirects = 0
    def request(self, host, handler, body, verbose=False, hops=3):
        try:
            return super().request(host, handler, body, verbose)
        except xmlrpc.client.ProtocolError as error:
            location = {k.lower(): v for k, v in error.headers.items()}.get("location")
            if error.errcode != 307 or not location or not hops:
                raise
            FollowingTransport.redirects += 1
            self.close()
            target = urlsplit(location)
            return self.request(target.netloc, urlunsplit(("", "", *target[2:])), body, verbose, hops - 1)
server = xmlrpc.client.ServerProxy(sys.argv[1], transport=FollowingTransport())
print(server.kv.set("followed", 1), FollowingTransport.redirects)
`;
    const [follower] = await cluster.followers();
    const { stdout } = await run("python3", ["-c", script, follower?.rpcUrl ?? ""]);
    expect(stdout.trim()).toBe("True 1");
  });
});

describe.runIf(requireProgram("curl", "curl"))("curl on a follower", () => {
  const body =
    "<?xml version='1.0'?><methodCall><methodName>kv.set</methodName><params><param><value>k</value></param><param><value><int>7</int></value></param></params></methodCall>";

  test("shows the 307 with Location, no-store and a fault body, and the connection lives on", async () => {
    const leader = await cluster.leader();
    const [follower] = await cluster.followers();
    const url = `${follower?.rpcUrl}?trace=1`;
    const { stdout, stderr } = await run("curl", [
      "-sv",
      "-H",
      "Content-Type: text/xml",
      "-d",
      body,
      url,
      "--next",
      "-sv",
      "-H",
      "Content-Type: text/xml",
      "-d",
      body,
      url,
    ]);
    const statuses = stderr.match(/< HTTP\/1\.1 307 /g);
    expect(statuses).toHaveLength(2);
    expect(stderr).toContain(`location: ${leader.url}/RPC2?trace=1&quorate-hop=1`);
    expect(stderr).toContain("cache-control: no-store");
    expect(stderr).toMatch(/content-length: \d+/);
    expect(stderr).toContain("Re-using existing connection");
    expect(stdout.match(/<int>-32001<\/int>/g)).toHaveLength(2);
    expect(stdout).toContain(leader.url);
  });

  test("with -L is led to the leader", async () => {
    const [follower] = await cluster.followers();
    const { stdout } = await run("curl", [
      "-sL",
      "-H",
      "Content-Type: text/xml",
      "-d",
      body,
      follower?.rpcUrl ?? "",
    ]);
    expect(stdout).toContain("<boolean>1</boolean>");
  });
});
