import type { z } from 'zod'
import { field, text } from './fields.ts'

/** Attributes of credentials that log in to a database. */
export const loginFields = {
  user: field(loginName().optional(), {
    doc: 'User the gateway logs in as; picks this credential for agents that name this user.',
    example: '"agent_ro"',
  }),
  database: field(loginName().optional(), {
    doc: 'Picks this credential for sessions of this database.',
    example: '"orders"',
  }),
}

function loginName(): z.ZodType<string> {
  return text().refine((value) => value !== '' && !/\p{Cc}/u.test(value), {
    error: 'must not be empty or hold a control character',
  })
}
