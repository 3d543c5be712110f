/**
 * What each protocol revision added to the packets. Both sides write and read by the smaller of their two revisions.
 * @see ClickHouse src/Core/ProtocolDefines.h
 */
export const since = {
  tablesStatus: 54226,
  displayName: 54372,
  patchVersion: 54401,
  writtenRows: 54420,
  settingsAsText: 54429,
  interserverSecret: 54441,
  telemetry: 54442,
  forwardedFor: 54443,
  referer: 54447,
  distributedDepth: 54448,
  startTime: 54449,
  parallelReplicas: 54453,
  customSerialization: 54454,
  addendum: 54458,
  parameters: 54459,
  elapsedInProgress: 54460,
  passwordRules: 54461,
  nonce: 54462,
  totalBytesInProgress: 54463,
  readOnlyInTablesStatus: 54467,
  rowsBeforeAggregation: 54469,
} as const

/** Oldest revision that is understood: that of ClickHouse 1.1.54060. */
export const oldestRevision = 54060

/** Newest revision that is understood; with the next one packets are cut into chunks. */
export const newestRevision = 54469
