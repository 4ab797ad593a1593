/** What the clients for Node have in common: the values of ../features.ts, and one loop over them. */
const { isDeepStrictEqual } = require("node:util");

const values = {
  int: -2147483648,
  double: -2.5e-7,
  boolean: false,
  string: "  two  spaces ",
  "empty string": "",
  markup: "<b> & \"q\" 'a' ]]>",
  text: "Grüße, 世界",
  emoji: "😀",
  dateTime: new Date(1998, 6, 17, 14, 8, 55),
  base64: Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte)),
  array: [1, "two", []],
  struct: { a: 1, b: "two" },
  nested: { list: [1, ["two", { deep: [true] }]], more: { x: { y: 2.5 } } },
  nil: null,
};
/** JavaScript has one kind of number, so these are only received. */
const onlyReceived = { "integral double": 3, i8: 9007199254740993n };

async function report(direction, feature, attempt) {
  let answer;
  try {
    answer = await attempt();
  } catch (error) {
    answer = `${error.message ?? error}`.replace(/\s+/g, " ");
  }
  process.stdout.write(`${direction}\t${feature}\t${answer}\n`);
}

const shown = (seen) =>
  typeof seen === "bigint" || seen === undefined ? String(seen) : JSON.stringify(seen);

/**
 * @param call (method, params) → a promise of the answer
 * @param isFault (error) → whether it is the fault 404 `key not found`
 * @param unsent features that the client has no way to write
 */
exports.tryAll = async (call, isFault, unsent) => {
  const prefix = process.argv[3];
  for (const [feature, value] of Object.entries({ ...values, ...onlyReceived })) {
    await report("receive", feature, async () => {
      const seen = await call("kv.get", [`in/${feature}`]);
      const bytes = seen instanceof Uint8Array ? Buffer.from(seen) : seen;
      return isDeepStrictEqual(bytes, value) ? "ok" : shown(seen);
    });
    if (feature in onlyReceived || unsent.includes(feature)) continue;
    await report("send", feature, async () => {
      const seen = await call("kv.set", [`${prefix}/${feature}`, value]);
      return seen === true ? "ok" : shown(seen);
    });
  }
  await report("receive", "fault", async () => {
    try {
      return `no fault: ${shown(await call("kv.get", ["in/none"]))}`;
    } catch (error) {
      return isFault(error) ? "ok" : `${error.message ?? error}`;
    }
  });
  await report("receive", "methods", async () =>
    (await call("system.listMethods", [])).includes("kv.set") ? "ok" : "no kv.set",
  );
};
