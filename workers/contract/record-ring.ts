/**
 * The memory a thread shares with main to leave its records in: what is in it outlives the thread, and main fetches it
 * without being woken for each. 32-bit words come first, then a ring of bytes: JSON values in UTF-8, a comma after each,
 * white space where the end of the ring is too near for the next one. Positions count bytes ever written, modulo 2^32.
 */
export const ring = {
  /** Index of the position up to which main has fetched; main writes it. */
  fetched: 0,
  /** Index of the position up to which the thread has left records. */
  left: 1,
  /** Index of 1 once the thread has told main that there is something; main takes it back before it fetches. */
  told: 2,
  /** Index of how many record messages main has read: what follows one must not overtake it. */
  read: 3,
  /** Index of how many events are written to the database, by either way. */
  written: 4,
  /** Index of 1 while an action waits for room: main tells the thread once events are written. */
  waits: 5,
  headerBytes: 64,
  /** Length of the ring, a power of two. */
  bytes: 256 * 1024,
  /** Longest value with its comma; a longer one goes by message. */
  longest: 16 * 1024,
} as const

/**
 * Begins of actions that differ in id and time alone, by number: the newest this many of a thread. The thread tells main
 * of one before it uses its number, and again when the number means another.
 */
export const mostTemplates = 512

/** First element of what is no whole event: a list. */
export const entry = {
  /** `[template, number, event]`: the event of kind `opened` whose id and time are to be replaced. */
  template: 0,
  /** `[opened, number, id, at]` */
  opened: 1,
  /** `[closed, id, status, error, bytesUp, bytesDown, at, result]`: without samples; `result` only where there is one. */
  closed: 2,
} as const
