/**
 * How long calls took, by method and kind, as a Prometheus histogram. Counted in plain numbers: prom-client's own
 * histogram looks up its labels with every observation, which costs more than the rest of the counting.
 */
import { Histogram, type Registry } from "prom-client";

/** Seconds: half a millisecond of a read at hand, up to the deadline of a call. */
const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export class DurationTally {
  /** Of each bucket by itself; the last one is what passes all bounds. */
  readonly counts: number[] = Array.from({ length: bounds.length + 1 }, () => 0);
  seconds = 0;

  add(seconds: number): void {
    let at = 0;
    while (at < bounds.length && seconds > (bounds[at] ?? 0)) at++;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.seconds += seconds;
  }
}

const name = "quorate_call_duration_seconds";
const help = "From the arrival of a call's document to its answer.";

interface Labels {
  readonly method: string;
  readonly kind: string;
}

export class CallDurations extends Histogram<"method" | "kind"> {
  readonly #tallies: (readonly [labels: Labels, tally: DurationTally])[] = [];

  constructor(registers: Registry[]) {
    super({ name, help, labelNames: ["method", "kind"], buckets: [...bounds], registers });
  }

  /** A tally of its own for these labels; the caller keeps it, and asks once per labels. */
  tally(labels: Labels): DurationTally {
    const tally = new DurationTally();
    this.#tallies.push([labels, tally]);
    return tally;
  }

  /** In place of prom-client's own, which reads its text and its JSON from here. */
  async getForPromString(): Promise<object> {
    const values = this.#tallies.flatMap(([labels, { counts, seconds }]) => {
      let count = 0;
      const buckets = counts.map((more, at) => {
        count += more;
        const le = bounds[at] ?? "+Inf";
        return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
      });
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: seconds },
        { metricName: `${name}_count`, labels, value: count },
      ];
    });
    return { name, help, type: "histogram", values, aggregator: "sum" };
  }
}
