/** `@quorate/raft/level`: one node's disk. */
export {
  type DataDirectory,
  type DataDirectoryOptions,
  openDataDirectory,
  openIdentity,
} from "./data-directory.js";
export {
  DamagedStorage,
  DivergedState,
  ForeignDataDirectory,
  RecoveryRefused,
  StorageFailed,
  StorageInUse,
  StorageMisuse,
  UnknownFormat,
} from "./errors.js";
export { type LevelStorageOptions, openLevelStorage } from "./level-open.js";
export { openLogReadOnly, type ReadOnlyLog } from "./read-only.js";
export {
  type RecoveryOptions,
  type RecoveryStep,
  type RecoverySurvey,
  recoverDataDirectory,
  surveyForRecovery,
} from "./recovery.js";
