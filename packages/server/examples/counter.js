// Plain functions, registered as one would in Python's SimpleXMLRPCServer. State lives in `tx` only.
import { createService } from "@quorate/server";

const service = createService("counter");

service.registerFunction((tx, by = 1) => {
  const value = (tx.get(["value"]) ?? 0) + by;
  tx.set(["value"], value);
  return value;
}, "counter.add");

service.registerFunction((view) => view.get(["value"]) ?? 0, "counter.value", { kind: "query" });

export default service;
