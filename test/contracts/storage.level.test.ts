import { installContract } from "./install-contract.js";
import { snapshotContract } from "./snapshot-contract.js";
import { storageContract } from "./storage-contract.js";
import { levelHarness } from "./storage-harness.js";

storageContract("LevelDB", levelHarness);
snapshotContract("LevelDB", levelHarness);
installContract("LevelDB", levelHarness);
