import { ByteSink } from './byte-sink.ts'
import { since } from './revisions.ts'
import { framed } from './safe-frame.ts'

/*
 * A server that has failed at a statement does not expect the blocks that follow it. Old ones go on reading after the
 * code of such a packet, and take the length of its table's name for the next: a short one is a packet's code, and in
 * what comes after it the agent can hide a statement that nobody judged. So before such a name comes a table with a
 * long one: who expects blocks makes one more table of no rows, for this statement alone, and who does not ends the
 * connection.
 */

const name = 'clawpatrol_separates_tables'
/** All numbers below it may be packets. */
const mostCodes = 16
/** A table of one column and no rows. */
const table = new ByteSink().varint(2).text(name).raw(framed(noRows())).whole()

/**
 * What goes before a block, where it is needed.
 * @param nameBytes length of the name of its table
 */
export function separator(nameBytes: number, revision: number): readonly Buffer[] {
  // an empty name is followed by a frame, which begins with no code; servers of later revisions skip blocks whole
  return nameBytes === 0 || nameBytes >= mostCodes || revision >= since.customSerialization ? [] : [table]
}

function noRows(): Buffer {
  const info = new ByteSink().varint(1).byte(0).varint(2).int32(-1).varint(0)
  return info.varint(1).varint(0).text('x').text('UInt8').whole()
}
