import { readArguments } from './bind-message.ts'
import type { FrontendMessage } from './frontend.ts'
import { type BoundParams, boundParams } from './params.ts'

/** A function that was called by message, as the statement that does the same. */
export interface FunctionCall {
  readonly text: string
  readonly args: BoundParams
}

const [int4, int8, oid, bytea] = [23, 20, 26, 17]

/**
 * The functions of large objects, with the types of their arguments: what clients call by message (libpq's lo_…,
 * pgjdbc's LargeObject). These numbers are the same on every server.
 */
const functions: ReadonlyMap<number, { readonly name: string; readonly types: readonly number[] }> = new Map([
  [715, { name: 'lo_create', types: [oid] }],
  [952, { name: 'lo_open', types: [oid, int4] }],
  [953, { name: 'lo_close', types: [int4] }],
  [954, { name: 'loread', types: [int4, int4] }],
  [955, { name: 'lowrite', types: [int4, bytea] }],
  [956, { name: 'lo_lseek', types: [int4, int4, int4] }],
  [957, { name: 'lo_creat', types: [int4] }],
  [958, { name: 'lo_tell', types: [int4] }],
  [964, { name: 'lo_unlink', types: [oid] }],
  [1004, { name: 'lo_truncate', types: [int4, int4] }],
  [3170, { name: 'lo_lseek64', types: [int4, int8, int4] }],
  [3171, { name: 'lo_tell64', types: [int4] }],
  [3172, { name: 'lo_truncate64', types: [int4, int8] }],
])

/**
 * What a FunctionCall does, for the rules to judge; null: it cannot be told which function it means.
 * @param textOf decodes text of the session; null: it cannot be told
 * @throws ClawError CP_PROTOCOL when it is malformed
 */
export function functionCall(message: FrontendMessage, textOf: (bytes: Buffer) => string | null): FunctionCall | null {
  const { held } = message
  const called = held.length < 9 ? undefined : functions.get(held.readUInt32BE(5))
  if (called === undefined) return null
  const { name, types } = called
  const list = types.map((_, index) => `$${index + 1}`).join(', ')
  return { text: `SELECT pg_catalog.${name}(${list})`, args: boundParams(readArguments(message), types, textOf) }
}
