import { execFile } from 'node:child_process'
import { ClawError } from '../../../contract/errors.ts'
import { sql } from '../../../contract/families/sql.ts'
import type { Certificate } from '../../../contract/messages.ts'
import { dialLocal, type Serving, type ServingParts, startServing } from '../../../upstream/serving.fixture.ts'
import type { ClickhouseNativeSettings } from '../definition.ts'
import { clickhouseNative } from './runtime.ts'

/** What a gateway of the tests serves. */
export type GatewayParts = Partial<Pick<ServingParts<unknown>, 'rules' | 'unmatched' | 'credentials' | 'secrets'>> & {
  /** Port of the server on 127.0.0.1. */
  readonly serverPort: number
  readonly settings?: Partial<ClickhouseNativeSettings>
  /** Shown to agents. */
  readonly certificate?: Certificate
  /** Name the agent asked for; null: it came by address. */
  readonly targetName?: string | null
  /** Statements are judged once it resolves. */
  readonly judging?: Promise<void>
}

/** Starts a gateway that accepts agents on 127.0.0.1 and takes them for flows to the endpoint's server, `ch.test:9000`. */
export function startGateway({ serverPort, settings, certificate, judging, ...parts }: GatewayParts): Promise<Serving> {
  return startServing<ClickhouseNativeSettings>({
    targetName: 'ch.test',
    ...parts,
    serve: (session) => {
      const judge: typeof session.judge = async (seen) => {
        await judging
        return await session.judge(seen)
      }
      return clickhouseNative.serve({ ...session, judge })
    },
    families: [sql],
    protocol: 'clickhouse_native',
    hosts: ['ch.test:9000'],
    settings: {
      hosts: ['ch.test'],
      port: undefined,
      tls: undefined,
      accept_invalid_certificate: undefined,
      ca_cert: undefined,
      record_params: undefined,
      ...settings,
    },
    target: { host: '192.0.2.1', port: 9000 },
    certificate: async () => {
      if (certificate === undefined) throw new ClawError('CP_TLS', 'this gateway has no certificate')
      return certificate
    },
    dial: () => dialLocal(serverPort),
  })
}

/** What a program wrote and how it ended. */
export interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

/** Runs clickhouse-client with statements on its input, each answered before the next is sent. */
export function clickHouseClient(port: number, statements: string, ...words: readonly string[]): Promise<Ran> {
  const all = ['--host', '127.0.0.1', '--port', String(port), '--multiquery', '--ignore-error', ...words]
  const env = { PATH: process.env.PATH, HOME: '/nonexistent' }
  return new Promise((resolve) => {
    const child = execFile(
      'clickhouse-client',
      all,
      { env, timeout: 20_000, maxBuffer: 1 << 26 },
      (_, stdout, stderr) => resolve({ stdout: stdout.trim(), stderr: stderr.trim(), code: child.exitCode }),
    )
    child.stdin?.end(statements)
  })
}
