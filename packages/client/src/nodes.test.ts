import { describe, expect, test } from "vitest";
import { Nodes, parseHttpUrl } from "./nodes.js";

const a = new URL("http://a:1/RPC2");
const b = new URL("http://b:1/RPC2");
const c = new URL("http://c:1/RPC2");
const three = () => new Nodes([a.href, b.href, c.href]);
const nobody: ReadonlySet<string> = new Set();

describe("the choice", () => {
  test("goes through the list, each node once", () => {
    const nodes = three();
    const tried = new Set<string>();
    const order: string[] = [];
    for (let url = nodes.choose(tried, false); url !== undefined; url = nodes.choose(tried, false)) {
      order.push(url.host);
      tried.add(url.origin);
    }
    expect(order).toEqual(["a:1", "b:1", "c:1"]);
  });

  test("begins with the leader, but not for what any node can answer", () => {
    const nodes = three();
    nodes.lead(c);
    expect(nodes.choose(nobody, false)?.host).toBe("c:1");
    expect(nodes.choose(nobody, true)?.host).toBe("a:1");
    expect(nodes.choose(new Set([c.origin]), false)?.host).toBe("a:1");
  });

  test("takes a leader that is not in the list, and forgets it when it falls silent", () => {
    const nodes = three();
    const other = new URL("http://d:1/RPC2");
    nodes.lead(other);
    expect(nodes.choose(nobody, false)?.host).toBe("d:1");
    nodes.silent(other);
    expect(nodes.choose(nobody, false)?.host).toBe("a:1");
  });

  test("leaves the silent to the end, until they answer", () => {
    const nodes = three();
    nodes.silent(a);
    expect(nodes.choose(nobody, true)?.host).toBe("b:1");
    expect(nodes.choose(new Set([b.origin, c.origin]), true)?.host).toBe("a:1");
    nodes.answered(a);
    expect(nodes.choose(nobody, true)?.host).toBe("a:1");
  });
});

test("the mark of a redirect is not kept, other parameters are", () => {
  const nodes = three();
  nodes.lead(new URL("http://c:1/RPC2?x=1&quorate-hop=1"));
  expect(nodes.choose(nobody, false)?.href).toBe("http://c:1/RPC2?x=1");
});

test.each([[[]], [["127.0.0.1:8000"]], [["ftp://a/"]], [["http://a:1", "nonsense"]]])(
  "refuses %j as nodes",
  (urls) => {
    expect(() => new Nodes(urls)).toThrow(/^nodes: expected/);
  },
);

test("URLs may be relative to the node that named them", () => {
  expect(parseHttpUrl("/RPC2?quorate-hop=1", a)?.href).toBe("http://a:1/RPC2?quorate-hop=1");
  expect(parseHttpUrl("javascript:alert(1)", a)).toBe(null);
  expect(parseHttpUrl("http://", a)).toBe(null);
});
