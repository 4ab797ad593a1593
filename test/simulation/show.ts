import type { Input, Message } from "@quorate/raft/core";

/** An input as one line of a trace. */
export function showInput(input: Input): string {
  if (input.type === "receive") return showMessage(input.message);
  if (input.type === "propose") return `propose ${input.proposals.length}`;
  if (input.type === "fetched") return `fetched ${input.entries[0]?.index}…${input.entries.at(-1)?.index}`;
  return JSON.stringify(input);
}

export function showMessage(message: Message): string {
  if (message.type !== "appendEntries") return JSON.stringify(message);
  return JSON.stringify({
    ...message,
    entries: message.entries.map(({ index, term }) => `${term}@${index}`),
  });
}
