/**
 * What one call may cost. Constants, never configuration: nodes that disagreed about them would disagree
 * about results. Passing one is fault -32005.
 */

/**
 * Reads and writes of one run of a handler (of all calls of a batch together); a range counts 1 and its pairs.
 * Handlers run on the loop that also sends heartbeats: at some microseconds each, this is a fraction of a second.
 */
export const operationsMax = 100_000;
/** Arrays and structs inside each other, in a stored or returned value; as deep as a document may be. */
export const valueDepthMax = 128;
/** Keys and values that a command (all commands of a batch together) sets, in bytes. */
export const writtenBytesMax = 8 * 1024 * 1024;
/** Results of all calls of a batch together, packed, in bytes: each is held until the last call has ended. */
export const batchResultBytesMax = 16 * 1024 * 1024;
/** Values in them, the nested ones included: as many as a document may hold, and each is far larger there than packed. */
export const batchResultValuesMax = 1_000_000;
/** Pairs that one range returns. */
export const rangePairsMax = 10_000;
/** Stored keys and values that all ranges of one call return together, in bytes. */
export const rangeBytesMax = 16 * 1024 * 1024;
/** Different ranges and counts in one call: each one means running the handler once more. */
export const rangesMax = 64;
