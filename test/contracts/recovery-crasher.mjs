// Recovers the data folder given as the first argument and kills itself before the step given as the second one.
// Started by recovery.test.ts.
import { recoverDataDirectory } from "@quorate/raft/level";

const [, , directory = "", last] = process.argv;
await recoverDataDirectory({
  directory,
  next: { clusterId: "c2", incarnation: "second life" },
  onStep: (step) => {
    if (step === last) process.kill(process.pid, "SIGKILL");
  },
});
