import { z } from 'zod'
import type { DescribedAction } from '../../workers/contract/described.ts'
import { blockOf } from './find-endpoint.ts'

/** What a fixture wants to come of its action. */
export interface Match {
  /** `approve`: approvers would be asked; `passthrough`: no endpoint claims it, and it is not looked into. */
  readonly verdict: 'allow' | 'deny' | 'approve' | 'passthrough'
  /** Empty or absent: no rule decides. */
  readonly rule?: string | undefined
  /** `<type>.<name>`: the endpoint that is asked, whatever the host. */
  readonly endpoint?: string | undefined
  /** For readers; never compared. */
  readonly reason?: string | undefined
}

/** A described action and what the rules are to say of it. */
export interface Fixture {
  readonly match: Match
  readonly action: DescribedAction
}

/** A fixture, or what is wrong with it: each with the path of the member. */
export type ReadFixture = { readonly fixture: Fixture } | { readonly problems: readonly string[] }

const texts = z.record(z.string(), z.array(z.string()))

const match = z.strictObject({
  verdict: z.enum(['allow', 'deny', 'approve', 'passthrough']),
  rule: z.string().optional(),
  endpoint: z
    .string()
    .regex(/^(?:[^.]+\..+)?$/, 'is not <type>.<name>')
    .optional(),
  reason: z.string().optional(),
})

const http = z
  .strictObject({
    method: z.string().optional(),
    path: z.string().optional(),
    query: texts.default({}),
    headers: texts.optional(),
    body: z.string().optional(),
    body_b64: z.base64().optional(),
  })
  .refine(({ body, body_b64 }) => body === undefined || body_b64 === undefined, {
    error: 'body and body_b64 cannot stand together',
  })

const k8s = z.strictObject({
  verb: z.string().optional(),
  resource: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string().optional(),
  params: z.record(z.string(), z.string()).optional(),
})

const sql = z.strictObject({
  statement: z.string(),
  verb: z.string().optional(),
  tables: z.array(z.string()).optional(),
  functions: z.array(z.string()).optional(),
  database: z.string().optional(),
  params: z.record(z.string(), z.string()).optional(),
  settings: z.record(z.string(), z.string()).optional(),
  prepare: z.boolean().optional(),
  search_path: z.array(z.string()).nullable().optional(),
})

const ssh = z.strictObject({
  verb: z.string(),
  command: z.string().optional(),
  subsystem: z.string().optional(),
  forward_host: z.string().optional(),
  forward_port: z.int().min(0).max(65535).optional(),
  user: z.string().optional(),
  stdin: z.string().optional(),
})

const action = z.strictObject({
  host: z.string().optional(),
  credential: z.string().optional(),
  peer_ip: z.string().optional(),
  profile: z.string().optional(),
  device: z.string().optional(),
  at: z
    .string()
    .refine((at) => /^\d{4}-\d\d-\d\d/.test(at) && !Number.isNaN(Date.parse(at)), { error: 'is not an ISO 8601 time' })
    .optional(),
  truncated: z.boolean().optional(),
  unparseable: z.boolean().optional(),
  rates: z.record(z.string(), z.int().min(0)).optional(),
  http: http.optional(),
  k8s: k8s.optional(),
  sql: sql.optional(),
  ssh: ssh.optional(),
})

const fixture = z.strictObject({ match, action })

/** Reads a fixture: one JSON object, unknown members anywhere are errors. */
export function readFixture(text: string): ReadFixture {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    return { problems: [`not JSON: ${error instanceof Error ? error.message : String(error)}`] }
  }
  const read = fixture.safeParse(value)
  if (!read.success) return { problems: read.error.issues.flatMap(inWords) }
  const found = withoutBlanks(read.data as Fixture)
  try {
    blockOf(found.action)
  } catch (error) {
    return { problems: [error instanceof Error ? error.message : String(error)] }
  }
  return { fixture: found }
}

/** Empty texts stand for absent ones. */
function withoutBlanks({ match, action }: Fixture): Fixture {
  const { credential, host, profile, ...rest } = action
  return {
    match,
    action: {
      ...(host === undefined || host === '' ? {} : { host }),
      ...(credential === undefined || credential === '' ? {} : { credential }),
      ...(profile === undefined || profile === '' ? {} : { profile }),
      ...rest,
    },
  }
}

function inWords(issue: z.core.$ZodIssue): readonly string[] {
  const at = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${[...at, key].join('.')}: unknown member`)
  return [`${at.length === 0 ? 'the fixture' : at.join('.')}: ${issue.message}`]
}
