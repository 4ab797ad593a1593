/** A small warehouse: typed methods, a Fault that is the result, a query that never enters the log. */
import { command, defineService, Fault, query, t } from "@quorate/server";

export default defineService({
  name: "stock",
  methods: {
    "stock.add": command(
      {
        help: "Put units on the shelf; returns how many there are then.",
        params: [t.string("sku", { min: 1, max: 64 }), t.int("units", { min: 1 })],
        returns: t.int(),
      },
      (tx, sku, units) => {
        const left = (tx.get(["sku", sku], t.int()) ?? 0) + units;
        tx.set(["sku", sku], left);
        return left;
      },
    ),

    "stock.reserve": command(
      {
        help: "Reserve units; returns what is left.",
        params: [t.string("sku"), t.int("units", { min: 1 })],
        returns: t.int(),
      },
      (tx, sku, units) => {
        const left = (tx.get(["sku", sku], t.int()) ?? 0) - units;
        if (left < 0) throw new Fault(409, `only ${left + units} left`);
        tx.set(["sku", sku], left);
        return left;
      },
    ),

    "stock.level": query(
      { help: "How many units there are.", params: [t.string("sku")], returns: t.int() },
      (view, sku) => view.get(["sku", sku], t.int()) ?? 0,
    ),

    "stock.list": query(
      {
        help: "All articles with their levels, in order of their numbers.",
        params: [t.int("limit", { min: 1, max: 1000, default: 100 })],
        returns: t.array(t.struct({ sku: t.string(), units: t.int() })),
      },
      (view, limit) =>
        view
          .range({ prefix: ["sku"], limit }, t.int())
          .map(([[, sku], units]) => ({ sku: String(sku), units })),
    ),
  },
});
