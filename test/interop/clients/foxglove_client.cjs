/** npm's @foxglove/xmlrpc. Arguments: URL, prefix of the keys to write. See ../README.md. */
const { XmlRpcClient } = require("@foxglove/xmlrpc");
const { tryAll } = require("./node_values.cjs");

const client = new XmlRpcClient(process.argv[2]);
const call = (method, params) => client.methodCall(method, params);

tryAll(call, (error) => error.faultCode === 404 && error.faultString.includes("key not found"), []);
