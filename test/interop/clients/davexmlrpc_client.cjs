/** npm's davexmlrpc. Arguments: URL, prefix of the keys to write. See ../README.md. */
const { client } = require("davexmlrpc");
const { tryAll } = require("./node_values.cjs");

const call = (method, params) =>
  new Promise((resolve, reject) => {
    client(process.argv[2], method, params, "xml", (error, value) =>
      error ? reject(error) : resolve(value),
    );
  });

// It shows a fault's text only.
tryAll(call, (error) => error.message.includes("key not found"), ["nil"]);
