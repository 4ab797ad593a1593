import { invariant } from "./assert.js";
import type { Restored, TermRun } from "./types.js";

/** The disk must hand over one gapless log; anything else is damage that must not be built upon. */
export function checkRestored({
  compacted,
  terms,
  tail,
  last,
  hardState,
  applied,
  membership,
}: Restored): void {
  invariant(last.index >= compacted.index, "the restored log ends before it starts", {
    last: last.index,
    compacted: compacted.index,
  });
  invariant(hardState.term >= last.term, "the restored term is older than the last entry's", {
    term: hardState.term,
    lastTerm: last.term,
  });
  invariant(applied <= last.index, "more is applied than the restored log holds", {
    applied,
    last: last.index,
  });
  invariant(applied >= compacted.index, "entries were compacted before they were applied", {
    applied,
    compacted: compacted.index,
  });
  let previous: TermRun = { first: compacted.index, term: compacted.term };
  for (const run of terms) {
    invariant(run.first > previous.first && run.term >= previous.term, "restored term runs must ascend", {
      first: run.first,
      term: run.term,
      afterFirst: previous.first,
      afterTerm: previous.term,
    });
    previous = run;
  }
  invariant(
    last.index === compacted.index ||
      (terms[0]?.first === compacted.index + 1 && previous.term === last.term),
    "restored term runs must cover the log",
    { first: terms[0]?.first, lastTerm: previous.term, expectedFirst: compacted.index + 1 },
  );
  invariant(previous.first <= last.index, "a restored term run starts after the log", {
    first: previous.first,
    last: last.index,
  });
  for (const [position, entry] of tail.entries()) {
    invariant(entry.index === last.index - tail.length + 1 + position, "the restored tail has a gap", {
      index: entry.index,
      position,
      last: last.index,
    });
  }
  invariant(last.index === compacted.index || tail.length > 0, "the restored tail is empty", {
    last: last.index,
  });
  invariant(membership === null || membership.index <= last.index, "the membership is not in the log", {
    index: membership?.index,
    last: last.index,
  });
}
