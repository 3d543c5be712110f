import type { PacketProblem } from './startup-packet.ts'

/** What a replication connection may be for: the whole server's WAL, or changes of its database, SQL included. */
export type ReplicationMode = 'true' | 'database'

const trueWords = ['true', 'yes', 'on', '1']
const falseWords = ['false', 'no', 'off', '0']

/**
 * Whether an agent wants a replication connection, as the server reads the parameter of the startup packet; null: not.
 * @param isAllowed whether the endpoint lets agents have one
 */
export function replicationMode(value: string | undefined, isAllowed: boolean): ReplicationMode | null | PacketProblem {
  if (value === undefined || isShortFor(value, falseWords)) return null
  if (!isAllowed) {
    const because =
      'replication connections are refused: the endpoint does not have replication = true, no rule sees what they read'
    return { kind: 'refused', code: '0A000', because }
  }
  if (value === 'database') return value
  if (isShortFor(value, trueWords)) return 'true'
  return { kind: 'refused', code: '22023', because: `invalid value for parameter "replication": "${value}"` }
}

/** A beginning of a word is the word, unless it could be two. */
function isShortFor(value: string, words: readonly string[]): boolean {
  const lower = value.toLowerCase()
  return lower !== '' && lower !== 'o' && words.some((word) => word.startsWith(lower))
}

/** Commands of replication connections that are no SQL; none begins as a statement of SQL does. */
const commands = new Set([
  'alter_replication_slot',
  'base_backup',
  'create_replication_slot',
  'drop_replication_slot',
  'identify_system',
  'read_replication_slot',
  'start_replication',
  'timeline_history',
  'upload_manifest',
])

/** Whether a statement is a command of replication. */
export function isReplicationVerb(verb: string): boolean {
  return commands.has(verb)
}

/**
 * The command a text is, lower case; null: it is none. A server takes one as such on replication connections only, and
 * as an error of syntax elsewhere.
 * @see postgresql.org/docs/current/protocol-replication.html
 */
export function replicationCommand(text: string): string | null {
  const [, word = '', rest = ''] = /^[ \t\n\r\f\v]*([A-Za-z_]+)(?![\w$\u0080-\uffff])(.*)$/s.exec(text) ?? []
  const command = word.toLowerCase()
  // nothing may hide behind a command
  return commands.has(command) && /^[^;]*;?[ \t\n\r\f\v]*$/.test(rest) ? command : null
}
