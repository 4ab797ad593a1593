/** The table in README.md: client × feature × result, as the suite found it. */
import type { StockClient } from "./clients.js";
import { answers, type Direction, features } from "./features.js";
import type { Flaw } from "./flaws.js";
import { type Outcomes, outcomeKey } from "./trial.js";

const columns: readonly string[] = [...features.keys(), ...answers];

/** One client's line. Flaws are numbered within its notes. */
export function row(client: StockClient, outcomes: Outcomes): string {
  const cells = columns.map((feature) => {
    const marks = client.flaws.flatMap((flaw, index) => (flaw.feature === feature ? [index + 1] : []));
    const received = outcomes.get(outcomeKey("receive", feature));
    const sent = outcomes.get(outcomeKey("send", feature));
    return `${symbol(received === "ok", sent === "ok", answers.includes(feature))}${marks.map((mark) => ` ${mark}`).join("")}`;
  });
  const route = client.route === "forward" ? "forwarded" : "redirected";
  return `| ${client.name} ${client.version} | ${cells.join(" | ")} | ${route} |`;
}

function symbol(received: boolean, sent: boolean, receivedOnly: boolean): string {
  if (received && (sent || receivedOnly)) return "✓";
  if (received) return "←";
  return sent ? "→" : "–";
}

export function heading(): string {
  return `| client | ${columns.join(" | ")} | on a follower |\n| - | ${columns.map(() => ":-:").join(" | ")} | - |`;
}

/** Why the cells with numbers are not our doing. */
export function notes(client: StockClient): string {
  if (client.flaws.length === 0) return "";
  const list = client.flaws.map(
    (flaw, index) => `${index + 1}: ${word(flaw.direction)} ${flaw.feature}: ${flaw.why}`,
  );
  return `- **${client.name}**: ${list.join("; ")}.`;
}

const word = (direction: Direction): string => (direction === "send" ? "sending" : "receiving");

export interface Difference {
  readonly feature: string;
  readonly direction: Direction;
  readonly outcome: string;
}

/** What went other than it should, flaws that are known left out. */
export function differences(client: StockClient, outcomes: Outcomes): readonly Difference[] {
  const found: Difference[] = [];
  for (const direction of ["receive", "send"] as const) {
    for (const feature of columns) {
      const outcome = outcomes.get(outcomeKey(direction, feature));
      if (outcome === undefined || outcome === "ok") continue;
      if (!client.flaws.some((flaw) => isThis(flaw, direction, feature) && outcome.includes(flaw.seen))) {
        found.push({ feature, direction, outcome });
      }
    }
  }
  return found;
}

/** Flaws that were not seen: the client got better, or was blamed for something of ours. */
export function unseenFlaws(client: StockClient, outcomes: Outcomes): readonly Flaw[] {
  return client.flaws.filter(({ direction, feature, seen }) => {
    const outcome = outcomes.get(outcomeKey(direction, feature));
    return outcome === undefined || outcome === "ok" || !outcome.includes(seen);
  });
}

const isThis = (flaw: Flaw, direction: Direction, feature: string): boolean =>
  flaw.direction === direction && flaw.feature === feature;
