import { execFile } from 'node:child_process'
import { ClawError } from '../../contract/errors.ts'
import { sql } from '../../contract/families/sql.ts'
import type { Certificate, Secret } from '../../contract/messages.ts'
import type { Session } from '../../contract/plugin.ts'
import type { CredentialUse, Limits, Rule } from '../../contract/profile.ts'
import { aCredential, dialLocal, type Serving, startServing } from '../../upstream/serving.fixture.ts'
import type { PostgresSettings } from './definition.ts'

export { aRule, type Recorded } from '../../upstream/serving.fixture.ts'

/** What a gateway of the tests serves. */
export interface GatewayParts {
  /** Serves one flow. */
  readonly serve: (session: Session<PostgresSettings>) => Promise<void>
  readonly settings: Pick<PostgresSettings, 'host'> & Partial<PostgresSettings>
  /** Port of the server on 127.0.0.1, whatever `settings` call it. */
  readonly serverPort: number
  /** Shown to agents. */
  readonly certificate?: Certificate
  readonly rules?: readonly Rule[]
  readonly unmatched?: 'allow' | 'deny'
  readonly credentials?: readonly CredentialUse[]
  readonly secrets?: { readonly [credential: string]: Secret | null }
  readonly limits?: Partial<Limits>
  /** Name the agent asked for; null: it came by address. */
  readonly targetName?: string | null
}

/** A runtime behind a listening socket. */
export interface Gateway extends Serving {
  /** Names a certificate was asked for. */
  readonly certified: string[]
  /** Addresses that were dialled. */
  readonly dialled: string[]
}

/** Starts a gateway that accepts agents on 127.0.0.1 and takes them for flows to the endpoint's server. */
export async function startGateway({ serverPort, certificate, ...parts }: GatewayParts): Promise<Gateway> {
  const settings: PostgresSettings = { sslmode: undefined, ca_cert: undefined, ...parts.settings }
  const certified: string[] = []
  const dialled: string[] = []
  const serving = await startServing({
    ...parts,
    families: [sql],
    protocol: 'postgres',
    hosts: [settings.host],
    settings,
    target: { host: '192.0.2.1', port: 5432 },
    certificate: async (name) => {
      certified.push(name)
      if (certificate === undefined) throw new ClawError('CP_TLS', 'this gateway has no certificate')
      return certificate
    },
    dial: ({ host, port }) => {
      dialled.push(`${host}:${port}`)
      return dialLocal(serverPort)
    },
  })
  return { ...serving, certified, dialled }
}

/** What a program wrote and how it ended. */
export interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

/** Runs psql without any password, with words of a connection string and statements, one -c each. */
export function psql(connection: string, ...statements: string[]): Promise<Ran> {
  const words = ['-X', '-A', '-t', '-w', '-d', connection, ...statements.flatMap((text) => ['-c', text])]
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', PGCONNECT_TIMEOUT: '10' }
  return new Promise((resolve) => {
    const child = execFile('psql', words, { env, timeout: 20_000 }, (_, stdout, stderr) =>
      resolve({ stdout: stdout.trim(), stderr: stderr.trim(), code: child.exitCode }),
    )
  })
}

/** A postgres_credential of a user; with `by`, picked by these fields. */
export function aLogin(name: string, user: string, by: CredentialUse['disambiguator'] = {}): CredentialUse {
  return aCredential(name, 'postgres_credential', { settings: { user }, disambiguator: by })
}

/** An mtls_credential. */
export function aClientCertificate(name: string): CredentialUse {
  return aCredential(name, 'mtls_credential')
}
