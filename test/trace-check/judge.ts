import { ReferenceModel, Rejected, type TraceLine, type Voting } from "./model.js";

/** How far the model followed a trace, and why it stopped: null when it accepted all of it. */
export interface Judgement {
  readonly lines: number;
  readonly rejected: string | null;
}

/** Judges a trace in JSON lines: the first line is the membership at birth, each other one a transition. */
export function judgeTrace(lines: Iterable<string>): Judgement {
  let model: ReferenceModel | null = null;
  let count = 0;
  try {
    for (const line of lines) {
      if (line === "") continue;
      count += 1;
      if (model === null) model = new ReferenceModel(JSON.parse(line) as Voting);
      else model.judge(JSON.parse(line) as TraceLine);
    }
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return { lines: count, rejected: `line ${count}: ${error.message}` };
  }
  return { lines: count, rejected: null };
}
