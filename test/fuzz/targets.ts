/** What is searched, and which part of the cases each target gets. */
import { CodecTarget } from "./codec.js";
import { FramesTarget } from "./frames.js";
import { HttpTarget } from "./http.js";
import { type SearchOptions, type SearchResult, search } from "./search.js";

export const targetNames = ["codec", "frames", "http"] as const;
export type TargetName = (typeof targetNames)[number];

/** An HTTP case costs a connection, some thirty times as much as a document. */
const shares: Readonly<Record<TargetName, number>> = { codec: 0.78, frames: 0.2, http: 0.02 };

/** Searches one target with its share of the cases. */
export async function searchTarget(name: TargetName, options: SearchOptions): Promise<SearchResult> {
  const cases = Math.ceil(options.cases * shares[name]);
  switch (name) {
    case "codec": {
      await using target = new CodecTarget();
      return await search(target, { ...options, cases });
    }
    case "frames": {
      await using target = new FramesTarget();
      return await search(target, { ...options, cases });
    }
    case "http": {
      await using target = await HttpTarget.start();
      return await search(target, { ...options, cases });
    }
  }
}
