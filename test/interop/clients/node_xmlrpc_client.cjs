/** npm's xmlrpc. Arguments: URL, prefix of the keys to write. See ../README.md. */
const { createClient } = require("xmlrpc");
const { tryAll } = require("./node_values.cjs");

const client = createClient(process.argv[2]);
const call = (method, params) =>
  new Promise((resolve, reject) => {
    client.methodCall(method, params, (error, value) => (error ? reject(error) : resolve(value)));
  });

tryAll(call, (error) => error.faultCode === 404 && error.faultString.includes("key not found"), []);
