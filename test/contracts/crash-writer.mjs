// Writes one synced batch after the other into the database given as argument, and prints the index of each
// one once it is acknowledged. Runs until it is killed. Started by storage.crash.test.ts.
import { openLevelStorage } from "@quorate/raft/level";

const directory = process.argv[2] ?? "";
const storage = await openLevelStorage({ directory, mustExist: process.argv[3] === "reopen" });
const { last, hardState } = storage.restored;
const term = hardState.term + 1;

for (let index = last.index + 1; ; index++) {
  const data = Buffer.alloc(index % 3000, index % 256);
  await storage.write({
    hardState: { term, vote: "n1", commit: index },
    entries: [{ index, term, type: 1, data }],
    compactTo: index % 16 === 0 ? index - 8 : 0,
    effects: [
      { key: Buffer.from("count"), value: Buffer.from(`${index}`) },
      { key: Buffer.from(`entry ${index}`), value: data },
    ],
    applied: index,
    chunk: null,
    install: null,
  });
  process.stdout.write(`${index}\n`);
}
