/** What `quorate config` says: everything at once, each at its line, and never a secret. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check, show } from "../cli/config.js";
import { checkFile, environmentOf, flagOf, readConfig, settings, showConfig } from "./index.js";

let folder = "";
let file = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quorate-check-"));
  file = join(folder, "quorate.yaml");
  writeFileSync(join(folder, "secret"), "a secret that nobody sees\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const members = `
cluster:
  name: prod
  members:
    - { id: n1, peer: 10.0.0.1:9000, http: "http://10.0.0.1:8000" }
    - { id: n2, peer: 10.0.0.2:9000, http: "http://10.0.0.2:8000" }
    - { id: n3, peer: 10.0.0.3:9000, http: "http://10.0.0.3:8000" }
`;
const complete = `dataDir: /var/lib/quorate\npeer: { secretFile: ./secret }\ninsecure: true\n${members}`;

function checked(text: string) {
  writeFileSync(file, text);
  return checkFile(file);
}

const faulty = `dataDir: d
peer: { secret: 12345678, listen: 10.0.0.1 }
rafft: { heartbeat: 50ms }
raft: { heartbeat: 50, electionTimeout: 10ms }
insecure: yes
routing: redirct
cluster:
  name: prod
  members:
    - { id: n1, peer: 10.0.0.1:9000, http: 10.0.0.1:8000 }
    - id: n 2
      peer: "10.0.0.2"
      http: http://10.0.0.2:8000
      htp: 1
http: 5
log: { level: 7 }
http: { maxBody: "8" }
`;

describe("checking a file", () => {
  test("a complete one can be used on every machine, and has a fingerprint of what must be equal", () => {
    const one = checked(complete);
    expect(one).toMatchObject({ problems: [], nodes: ["n1", "n2", "n3"], notes: [] });
    expect(one.fingerprint).toMatch(/^prod-[0-9a-f]{12}$/);
    expect(checked(`${complete}\nlog: { level: debug }`).fingerprint).toBe(one.fingerprint);
    expect(checked(complete.replace("10.0.0.3:9000", "10.0.0.4:9000")).fingerprint).not.toBe(one.fingerprint);
  });

  test("every problem is told at once, in the order of the lines, with what to do", () => {
    const problems = checked(faulty.replace(/^http: \{.*\n/m, "")).problems;
    expect(problems.map(({ line, setting, suggestion }) => [line, setting, suggestion])).toEqual([
      [2, "peer.listen", "add the port: 10.0.0.1:9000"],
      [2, "peer.secret", "put it in quotes"],
      [3, "rafft", "did you mean raft?"],
      [4, "raft.heartbeat", "add the unit: 50ms or 50s"],
      [4, "raft.electionTimeout", "raise it, or lower raft.heartbeat"],
      [5, "insecure", "write true"],
      [6, "routing", "did you mean redirect?"],
      [10, "cluster.members.0.http", "write http://10.0.0.1:8000"],
      [11, "cluster.members.1.id", null],
      [12, "cluster.members.1.peer", "add the port: 10.0.0.2:9000"],
      [14, "cluster.members.1.htp", "known: id, peer, http"],
      [15, "http", "write `http: { listen: … }`"],
      [16, "log.level", null],
    ]);
    for (const { message } of problems) expect(message).not.toBe("");
  });

  test("what is no YAML is told at its line, a name that stands twice too", () => {
    expect(checked(faulty).problems).toMatchObject([
      { line: 17, message: expect.stringContaining("keys must be unique") },
    ]);
    expect(checked("a: [1\nb: {").problems[0]).toMatchObject({ line: 2 });
  });

  test("what may come from elsewhere is a note, not a problem", () => {
    const { problems, notes } = checked(`insecure: true\n${members}`);
    expect(problems).toEqual([]);
    expect(notes).toEqual([
      expect.stringContaining("left to other sources: dataDir: missing"),
      expect.stringContaining(
        "left to other sources: peer.secret: peer.secret or peer.secretFile is missing",
      ),
    ]);
    expect(checked(complete.replace("./secret", "./none")).notes).toEqual([
      expect.stringContaining(`cannot read ${join(folder, "none")}`),
    ]);
  });

  test("an address that cannot be every machine's is found, unless the file is for one machine", () => {
    const fixed = complete.replace("peer: {", "peer: { listen: 10.0.0.1:9000,");
    expect(checked(fixed).problems).toMatchObject([
      { line: 2, setting: "peer.listen", message: "10.0.0.1:9000 would be the same on all 3 machines" },
    ]);
    expect(checked(fixed.replace("10.0.0.1:9000,", "0.0.0.0:9000,")).problems).toEqual([]);
    expect(checked(`node: n1\n${fixed}`)).toMatchObject({ problems: [], nodes: ["n1"] });
    expect(checked(`${complete}\nhttp: { advertise: "http://10.0.0.1:8000" }`).problems).toMatchObject([
      { setting: "http.advertise", message: expect.stringContaining("for n2") },
      { setting: "http.advertise", message: expect.stringContaining("for n3") },
    ]);
  });

  test("odd numbers of members on machines of their own are asked for", () => {
    const [head, one, two] = complete.split(/(?= {4}- )/);
    expect(checked(`${head}${one}`).notes).toEqual(["1 member tolerates no failure; use 3 or 5"]);
    expect(checked(`${head}${one}${two}`).notes).toEqual(["2 members tolerate no failure; use 3 or 5"]);
    expect(checked(complete.replace("10.0.0.3:9000", "10.0.0.1:9001")).notes).toEqual([
      "several members are on 10.0.0.1: each needs a dataDir of its own, and they fail together",
    ]);
  });

  test("aliases are followed, one that multiplies itself is refused", () => {
    const aliased = complete.replace("name: prod", "name: &n prod").replace("id: n3", "id: *n");
    expect(checked(aliased).nodes).toEqual(["n1", "n2", "prod"]);
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < 9; level++) {
      const name = String.fromCharCode(97 + level);
      const before = String.fromCharCode(96 + level);
      bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(", ")}]`);
    }
    expect(checked(bomb.join("\n")).problems).toMatchObject([{ setting: null }]);
  });
});

describe("secrets are never shown", () => {
  const texts = [
    `peer: { secret: "sesame-sesame-sesame", listen: x }\n${members}`,
    `peer: { secret: 7355608735560873556087, listen: x }\n${members}`,
    `peer: 7355608\n${members}`,
    `peer: sesame-sesame-sesame\n${members}`,
    `peer: { secret: [sesame] }`,
    `peer: { secret: { a: sesame } }`,
    "sesame-sesame-sesame\n",
  ];
  test.each(texts.map((text, index) => [index, text] as const))("in text %i", (_, text) => {
    writeFileSync(file, text);
    const sources = { file, flags: {}, environment: {}, directory: folder };
    const outputs = (["table", "json"] as const).flatMap((format) => [
      check(file, format),
      show(sources, format),
    ]);
    for (const { text: out, failure } of outputs) {
      expect(`${out}${failure?.message}`).not.toMatch(/sesame|7355608/);
      expect(failure?.exitCode).toBe(2);
    }
  });

  test("from flags and the environment", () => {
    const secret = "sesame-sesame-sesame";
    for (const sources of [
      { flags: { "peer.secret": secret }, environment: {} },
      { flags: {}, environment: { QUORATE_PEER_SECRET: secret } },
    ]) {
      const { text } = show({ ...sources, directory: folder }, "table");
      expect(text).toMatch(/peer\.secret +\(set, not shown\) +(--peer-secret|QUORATE_PEER_SECRET)/);
      expect(text).not.toContain("sesame");
    }
  });
});

describe("showing a configuration", () => {
  test("every setting, its value and where it came from; derived defaults name their source", () => {
    writeFileSync(file, complete);
    const { settings: shown, problems } = showConfig({
      file,
      flags: { "raft.heartbeat": "20ms" },
      environment: { QUORATE_NODE: "n2" },
      directory: "/",
    });
    expect(problems).toEqual([]);
    const of = (name: string) => shown.find(({ setting }) => setting === name);
    expect(of("node")).toMatchObject({ value: "n2", kind: "environment", origin: "QUORATE_NODE" });
    expect(of("raft.heartbeat")).toMatchObject({ value: "20ms", kind: "flag", origin: "--raft-heartbeat" });
    expect(of("dataDir")).toMatchObject({ value: "/var/lib/quorate", kind: "file", origin: `${file}:1:1` });
    expect(of("http.listen")).toMatchObject({
      value: "10.0.0.2:8000",
      origin: "default: n2 in cluster.members",
    });
    expect(of("cluster.members[2]")).toMatchObject({ origin: `${file}:10:7` });
    expect(of("http.maxBody")).toMatchObject({ value: "8MiB", kind: "default" });
    const names = new Set(shown.map(({ setting }) => setting.replace(/\[\d+\]$/, "")));
    expect([...names]).toEqual(settings.map(({ key }) => key));
  });

  test("an incomplete one is shown as far as it goes, and ends with exit code 2", () => {
    const { text, failure } = show({ flags: {}, environment: {}, directory: "/" }, "table");
    expect(text).toMatch(/^node +\(missing\) +default$/m);
    expect(failure?.exitCode).toBe(2);
    expect(failure?.message).toContain("5 problems in the configuration:");
    expect(JSON.parse(show({ flags: {}, environment: {}, directory: "/" }, "json").text)).toHaveLength(
      settings.length,
    );
  });

  test("each setting of the table has a flag and a variable of its own", () => {
    expect(new Set(settings.map(({ key }) => flagOf(key))).size).toBe(settings.length);
    expect(new Set(settings.map(({ key }) => environmentOf(key))).size).toBe(settings.length);
  });
});

test("a node can be named after its machine", () => {
  const name = hostname().split(".")[0] ?? "";
  writeFileSync(file, complete.replaceAll("n2", name));
  const sources = { file, flags: {}, environment: { QUORATE_NODE: "@hostname" }, directory: "/" };
  expect(readConfig(sources).node).toBe(name);
  writeFileSync(file, complete);
  expect(() => readConfig(sources)).toThrow(
    `QUORATE_NODE: node: ${name} is not in cluster.members (n1, n2, n3)`,
  );
});
