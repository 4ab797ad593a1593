/** The stock clients: how each is started, what it is known to get wrong, and how a follower serves it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../support/project-root.js";
import * as flaws from "./flaws.js";

const run = promisify(execFile);
const folder = join(projectRoot, "test/interop/clients");

export interface StockClient {
  readonly name: string;
  readonly version: string;
  /** Debian packages that bring it; none for a client from npm. */
  readonly packages: readonly string[];
  /** A command that succeeds where the client is installed. */
  readonly probe: readonly string[];
  /** Its command line without the arguments URL and prefix. */
  readonly command: readonly string[];
  /** Compiles what has to be compiled; gives the command line. */
  readonly build?: (scratch: string) => Promise<readonly string[]>;
  /** How a follower in `auto` mode serves it. */
  readonly route: "forward" | "redirect";
  readonly flaws: readonly flaws.Flaw[];
}

const file = (name: string): string => join(folder, name);
const node = (script: string, name: string, version: string, rest: Pick<StockClient, "route" | "flaws">) => ({
  name,
  version,
  packages: [],
  probe: [process.execPath, "--version"],
  command: [process.execPath, "--no-deprecation", file(script)],
  ...rest,
});

export const clients: readonly StockClient[] = [
  {
    name: "Python `xmlrpc.client`",
    version: "3.11",
    packages: ["python3"],
    probe: ["python3", "-c", "import xmlrpc.client"],
    command: ["python3", file("xmlrpc_client.py")],
    route: "forward",
    flaws: [],
  },
  {
    name: "Python aioxmlrpc",
    version: "0.6.4",
    packages: ["python3-aioxmlrpc"],
    probe: ["/usr/bin/python3", "-c", "import aioxmlrpc.client"],
    command: ["/usr/bin/python3", file("aioxmlrpc_client.py")],
    route: "forward",
    flaws: [],
  },
  {
    name: "Ruby xmlrpc",
    version: "0.3.2",
    packages: ["ruby", "ruby-xmlrpc"],
    probe: ["ruby", "-rxmlrpc/client", "-e", ""],
    command: ["ruby", "-W0", file("ruby_client.rb")],
    route: "forward",
    flaws: [],
  },
  {
    name: "Perl RPC::XML",
    version: "0.82",
    packages: ["librpc-xml-perl"],
    probe: ["perl", "-MRPC::XML::Client", "-e", "1"],
    command: ["perl", file("rpc_xml_client.pl")],
    route: "forward",
    flaws: [],
  },
  {
    name: "Perl Frontier",
    version: "0.07b4",
    packages: ["libfrontier-rpc-perl"],
    probe: ["perl", "-MFrontier::Client", "-e", "1"],
    command: ["perl", file("frontier_client.pl")],
    route: "forward",
    flaws: flaws.frontier,
  },
  {
    name: "Perl XMLRPC::Lite",
    version: "0.717",
    packages: ["libxmlrpc-lite-perl"],
    probe: ["perl", "-MXMLRPC::Lite", "-e", "1"],
    command: ["perl", file("xmlrpc_lite_client.pl")],
    route: "redirect",
    flaws: flaws.xmlrpcLite,
  },
  {
    name: "PHP extension",
    version: "8.2, 1.0.0RC3",
    packages: ["php-cli", "php8.2-xmlrpc"],
    probe: ["php", "-r", "exit(function_exists('xmlrpc_encode') ? 0 : 1);"],
    command: ["php", file("php_extension_client.php")],
    route: "forward",
    flaws: flaws.phpExtension,
  },
  {
    name: "xmlrpc-c `xmlrpc`",
    version: "1.33.14",
    packages: ["libxmlrpc-core-c3-dev"],
    probe: ["sh", "-c", "command -v xmlrpc"],
    command: ["sh", file("xmlrpc_c_client.sh")],
    route: "forward",
    flaws: flaws.xmlrpcC,
  },
  {
    name: "XmlRpc++ of ROS",
    version: "1.15.15",
    packages: ["g++", "libxmlrpcpp-dev"],
    probe: ["sh", "-c", "command -v g++ && test -f /usr/include/xmlrpcpp/XmlRpc.h"],
    command: [],
    build: async (scratch) => {
      const program = join(scratch, "xmlrpcpp_client");
      await run("g++", ["-std=c++17", file("xmlrpcpp_client.cpp"), "-o", program, "-lxmlrpcpp"]);
      return [program];
    },
    route: "forward",
    flaws: flaws.xmlrpcpp,
  },
  {
    name: "Tcl xmlrpc",
    version: "0.3",
    packages: ["tcl", "tcl-xmlrpc"],
    probe: ["sh", "-c", "echo 'package require xmlrpc' | tclsh"],
    command: ["tclsh", file("tcl_client.tcl")],
    route: "forward",
    flaws: flaws.tcl,
  },
  {
    name: "Lua xmlrpc",
    version: "1.2.1",
    packages: ["lua5.1", "lua-xmlrpc"],
    probe: ["lua5.1", "-e", 'require "xmlrpc.http"'],
    command: ["lua5.1", file("lua_client.lua")],
    route: "forward",
    flaws: flaws.lua,
  },
  {
    name: "Go kolo/xmlrpc",
    version: "2020-03-10",
    packages: ["golang-go", "golang-github-kolo-xmlrpc-dev"],
    probe: ["sh", "-c", "command -v go && test -d /usr/share/gocode/src/github.com/kolo/xmlrpc"],
    command: [],
    build: async (scratch) => {
      const program = join(scratch, "kolo_client");
      const environment = { GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOCACHE: join(scratch, "go") };
      await run("go", ["build", "-o", program, file("kolo_client.go")], {
        env: { ...process.env, ...environment },
      });
      return [program];
    },
    route: "redirect",
    flaws: flaws.kolo,
  },
  {
    name: "Emacs xml-rpc.el",
    version: "1.6.16",
    packages: ["emacs-nox", "elpa-xml-rpc"],
    probe: ["emacs", "--batch", "--eval", "(require 'xml-rpc)"],
    command: ["emacs", "--batch", "-l", file("emacs_client.el")],
    route: "redirect",
    flaws: flaws.emacs,
  },
  {
    name: "Java `HttpURLConnection`",
    version: "17",
    packages: ["openjdk-17-jdk-headless"],
    probe: ["javac", "-version"],
    command: [],
    build: (scratch) => buildJava(scratch, "JavaHttpClient"),
    route: "redirect",
    flaws: [],
  },
  {
    name: "Java aXMLRPC",
    version: "1.13.0",
    packages: ["openjdk-17-jdk-headless", "libaxmlrpc-java"],
    probe: ["sh", "-c", "command -v javac && test -f /usr/share/java/axmlrpc.jar"],
    command: [],
    build: (scratch) => buildJava(scratch, "AxmlrpcClient", "/usr/share/java/axmlrpc.jar"),
    route: "forward",
    flaws: flaws.axmlrpc,
  },
  node("node_xmlrpc_client.cjs", "Node xmlrpc", "1.3.2", { route: "forward", flaws: flaws.nodeXmlrpc }),
  node("foxglove_client.cjs", "Node @foxglove/xmlrpc", "1.3.0", { route: "redirect", flaws: flaws.foxglove }),
  node("davexmlrpc_client.cjs", "Node davexmlrpc", "0.4.26", { route: "forward", flaws: flaws.davexmlrpc }),
  {
    name: "`curl -L`",
    version: "7.88.1",
    packages: ["curl"],
    probe: ["curl", "--version"],
    command: ["sh", file("curl_client.sh")],
    route: "redirect",
    flaws: [],
  },
];

async function buildJava(scratch: string, name: string, jar = ""): Promise<readonly string[]> {
  await run("javac", ["-nowarn", "-cp", jar, "-d", scratch, file(`${name}.java`)]);
  return ["java", "-XX:TieredStopAtLevel=1", "-cp", `${scratch}:${jar}`, name];
}
