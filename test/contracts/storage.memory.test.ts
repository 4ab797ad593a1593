import { installContract } from "./install-contract.js";
import { snapshotContract } from "./snapshot-contract.js";
import { storageContract } from "./storage-contract.js";
import { memoryHarness } from "./storage-harness.js";

storageContract("memory", memoryHarness);
snapshotContract("memory", memoryHarness);
installContract("memory", memoryHarness);
