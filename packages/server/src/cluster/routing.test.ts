import { describe, expect, it } from "vitest";
import { chooseRoute, type Origin } from "./routing.js";

const auto: Origin = { mode: "auto", userAgent: "curl/7.88.1", authorization: false, hopped: false };

describe("auto mode, by the clients' own User-Agent headers", () => {
  it.each([
    ["Python-xmlrpc/3.11", "forward"],
    ["python/aioxmlrpc", "forward"],
    ["XMLRPC::Client (Ruby 3.1.7)", "forward"],
    ["RPC::XML::Client/1.44 libwww-perl/6.68", "forward"],
    ["libwww-perl/6.68", "forward"],
    ["SOAP::Lite/Perl/1.27", "redirect"],
    ["XML-RPC for PHP 4.11.5", "forward"],
    ["Xmlrpc-c/1.33.14 Curl/7.88.1", "forward"],
    ["Apache XML RPC 3.1.3 (Sun HTTP Transport)", "redirect"],
    ["Apache XML RPC 3.1.3 (Lite HTTP Transport)", "forward"],
    ["Apache XML RPC 3.1.3 (Jakarta Commons httpclient Transport)", "redirect"],
    ["Java/17.0.15", "redirect"],
    ["Go-http-client/1.1", "redirect"],
    ["NodeJS XML-RPC Client", "forward"],
    ["node-fetch", "redirect"],
    ["node", "redirect"],
    ["xml-rpc.el/1.6.16 URL/Emacs Emacs/28.2 (TTY; x86_64-pc-linux-gnu)", "redirect"],
    ["LuaXMLRPC 1.2.1", "forward"],
    ["XMLRPC++ 0.7", "forward"],
    ["aXMLRPC", "forward"],
    ["XML-RPC.NET", "redirect"],
    ["curl/7.88.1", "redirect"],
    ["my-addon/2 (Python-xmlrpc/3.12)", "forward"],
    ["", "forward"],
    [undefined, "forward"],
  ] as const)("%s is answered by %s", (userAgent, route) => {
    expect(chooseRoute({ ...auto, userAgent })).toBe(route);
  });

  it("forwards a request with Authorization, which the client would drop on the way", () => {
    expect(chooseRoute({ ...auto, authorization: true })).toBe("forward");
  });
});

describe("explicit modes", () => {
  it.each(["redirect", "forward", "fault"] as const)("%s wins over what is known of the client", (mode) => {
    expect(chooseRoute({ mode, userAgent: "Python-xmlrpc/3.11", authorization: true, hopped: false })).toBe(
      mode,
    );
    expect(chooseRoute({ mode, userAgent: "curl/7.88.1", authorization: false, hopped: false })).toBe(mode);
  });
});

describe("the hop mark", () => {
  it("never redirects a second time, whoever asks for it", () => {
    expect(chooseRoute({ ...auto, hopped: true })).toBe("forward");
    expect(chooseRoute({ ...auto, mode: "redirect", hopped: true })).toBe("forward");
  });

  it("leaves the fault mode alone", () => {
    expect(chooseRoute({ ...auto, mode: "fault", hopped: true })).toBe("fault");
  });
});
