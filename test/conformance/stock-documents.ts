import { DateTime, Double, Fault, struct, type Value } from "@quorate/protocol";

/** A document in the style of a widespread encoder, with what it says. */
export interface StockDocument {
  readonly encoder: string;
  readonly document: string;
  /** The parameters of a call to `echo`, or else an answer. */
  readonly params?: readonly Value[];
  readonly answer?: Value | Fault;
}

const bytes = new Uint8Array([1, 2]);
const date = new DateTime("19980717T14:08:55");

/** Written by hand after each encoder's habits: declaration, line ends, white space, empty elements, references. */
export const stockDocuments: readonly StockDocument[] = [
  {
    encoder: "CPython xmlrpc.client",
    document:
      "<?xml version='1.0'?>\n<methodCall>\n<methodName>echo</methodName>\n<params>\n" +
      "<param>\n<value><string>a &amp; b &lt;c&gt;</string></value>\n</param>\n" +
      "<param>\n<value><int>-7</int></value>\n</param>\n<param>\n<value><boolean>1</boolean></value>\n</param>\n" +
      "<param>\n<value><double>2.5</double></value>\n</param>\n<param>\n<value><nil/></value></param>\n" +
      "<param>\n<value><base64>\nAQI=\n</base64></value>\n</param>\n" +
      "<param>\n<value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value>\n</param>\n" +
      "<param>\n<value><array><data>\n<value><int>1</int></value>\n<value><array><data>\n</data></array></value>\n</data></array></value>\n</param>\n" +
      "<param>\n<value><struct>\n<member>\n<name>a</name>\n<value><double>3.0</double></value>\n</member>\n</struct></value>\n</param>\n" +
      "</params>\n</methodCall>\n",
    params: ["a & b <c>", -7, true, 2.5, null, bytes, date, [1, []], struct([["a", new Double(3)]])],
  },
  {
    encoder: "CPython xmlrpc.client, answer",
    document:
      "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><string>é😀</string></value>\n</param>\n</params>\n</methodResponse>\n",
    answer: "é😀",
  },
  {
    encoder: "CPython xmlrpc.client, fault",
    document:
      "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n<value><int>1</int></value>\n</member>\n" +
      "<member>\n<name>faultString</name>\n<value><string>&lt;class 'KeyError'&gt;:'a'</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n",
    answer: new Fault(1, "<class 'KeyError'>:'a'"),
  },
  {
    encoder: "PHP xmlrpc extension",
    document:
      '<?xml version="1.0" encoding="iso-8859-1"?>\n<methodCall>\n<methodName>echo</methodName>\n<params>\n' +
      " <param>\n  <value>\n   <string>caf&#233;</string>\n  </value>\n </param>\n" +
      " <param>\n  <value>\n   <base64>AQI=&#10;</base64>\n  </value>\n </param>\n" +
      " <param>\n  <value>\n   <array>\n    <data>\n     <value>\n      <int>1</int>\n     </value>\n    </data>\n   </array>\n  </value>\n </param>\n" +
      " <param>\n  <value>\n   <array>\n    <data/>\n   </array>\n  </value>\n </param>\n" +
      " <param>\n  <value>\n   <struct>\n    <member>\n     <name>a</name>\n     <value>\n      <string/>\n     </value>\n    </member>\n   </struct>\n  </value>\n </param>\n" +
      "</params>\n</methodCall>\n",
    params: ["café", bytes, [1], [], struct([["a", ""]])],
  },
  {
    encoder: "phpxmlrpc",
    document:
      '<?xml version="1.0"?>\n<methodCall>\n<methodName>echo</methodName>\n<params>\n<param>\n<value><string>caf&#233; &quot;x&quot; &apos;y&apos;</string></value>\n</param>\n' +
      "<param>\n<value><struct>\n<member><name>a</name>\n<value><i4>1</i4></value>\n</member>\n</struct></value>\n</param>\n" +
      "<param>\n<value><array>\n<data>\n<value><double>1.5</double></value>\n</data>\n</array></value>\n</param>\n</params>\n</methodCall>",
    params: [`café "x" 'y'`, struct([["a", 1]]), [1.5]],
  },
  {
    encoder: "Ruby xmlrpc",
    document:
      '<?xml version="1.0" ?><methodCall><methodName>echo</methodName><params><param><value><string>a\nb</string></value></param>' +
      "<param><value><i4>7</i4></value></param><param><value><struct><member><name>a</name><value><nil/></value></member></struct></value></param>" +
      "<param><value><array><data><value><boolean>0</boolean></value></data></array></value></param>" +
      "<param><value><base64>AQI=\n</base64></value></param></params></methodCall>\n",
    params: ["a\nb", 7, struct([["a", null]]), [false], bytes],
  },
  {
    encoder: "Apache XML-RPC for Java, with extensions",
    document:
      '<?xml version="1.0" encoding="UTF-8"?><methodCall xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions"><methodName>echo</methodName><params>' +
      "<param><value>untyped, as all its strings</value></param><param><value><i4>7</i4></value></param>" +
      "<param><value><ex:i8>9007199254740993</ex:i8></value></param><param><value><ex:nil/></value></param>" +
      "<param><value></value></param><param><value><array><data><value> </value></data></array></value></param></params></methodCall>",
    params: ["untyped, as all its strings", 7, 9007199254740993n, null, "", [" "]],
  },
  {
    encoder: "node xmlrpc",
    document:
      '<?xml version="1.0"?><methodCall><methodName>echo</methodName><params><param><value><string/></value></param>' +
      "<param><value><int>7</int></value></param><param><value><struct/></value></param><param><value><array><data/></array></value></param>" +
      "<param><value><nil/></value></param></params></methodCall>",
    params: ["", 7, struct(), [], null],
  },
  {
    encoder: "node xmlrpc, without parameters",
    document: '<?xml version="1.0"?><methodCall><methodName>echo</methodName><params/></methodCall>',
    params: [],
  },
  {
    encoder: "xmlrpc-c",
    document:
      '<?xml version="1.0" encoding="UTF-8"?>\r\n<methodCall>\r\n<methodName>echo</methodName>\r\n<params>\r\n' +
      "<param><value><i8>-5</i8></value></param>\r\n<param><value><string>a&#x0d;b</string></value></param>\r\n" +
      "<param><value><array><data>\r\n<value><i4>1</i4></value>\r\n</data></array></value></param>\r\n</params>\r\n</methodCall>\r\n",
    params: [-5n, "a\rb", [1]],
  },
  {
    encoder: "XML-RPC.NET",
    document:
      '<?xml version="1.0" encoding="utf-8"?>\r\n<methodCall>\r\n  <methodName>echo</methodName>\r\n  <params>\r\n    <param>\r\n      <value>\r\n' +
      "        <string />\r\n      </value>\r\n    </param>\r\n    <param>\r\n      <value>\r\n        <nil />\r\n      </value>\r\n    </param>\r\n" +
      "    <param>\r\n      <value>\r\n        <array>\r\n          <data />\r\n        </array>\r\n      </value>\r\n    </param>\r\n  </params>\r\n</methodCall>",
    params: ["", null, []],
  },
  {
    encoder: "XML-RPC.NET, without parameters",
    document:
      '<?xml version="1.0"?>\r\n<methodCall>\r\n  <methodName>echo</methodName>\r\n  <params />\r\n</methodCall>',
    params: [],
  },
  {
    encoder: "Perl RPC::XML",
    document:
      '<?xml version="1.0" encoding="us-ascii"?><methodCall><methodName>echo</methodName><params><param><value><string>caf&#xE9;</string></value></param>' +
      "<param><value><double>-1e-05</double></value></param></params></methodCall>",
    params: ["café", -1e-5],
  },
  {
    encoder: "by hand, after the specification's first example",
    document:
      '<?xml version="1.0"?>\n<methodCall>\n   <methodName>echo</methodName>\n   <params>\n      <param>\n         <value><i4>41</i4></value>\n         </param>\n      </params>\n   </methodCall>\n',
    params: [41],
  },
  {
    encoder: "by hand, without a declaration or parameters",
    document: "\n<methodCall><methodName>echo</methodName></methodCall>",
    params: [],
  },
];
