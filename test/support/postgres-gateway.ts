import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadPolicy } from '../../gateway/config/load-policy.ts'
import type { EndpointName, ProfileName } from '../../workers/contract/ids.ts'
import type { Secret } from '../../workers/contract/messages.ts'
import type { PostgresSettings } from '../../workers/protocols/postgres/definition.ts'
import { postgres } from '../../workers/protocols/postgres/runtime.ts'
import {
  makePki,
  type Pki,
  type PostgresServer,
  type ServerOptions,
  startServer,
} from '../../workers/protocols/postgres/server.fixture.ts'
import { type Gateway, startGateway } from '../../workers/protocols/postgres/session.fixture.ts'

/** What a gateway before a server of its own is made of. */
export interface PostgresGatewayOptions {
  /** Where the server's programs are. */
  readonly programs: string
  /** The policy, everything but the gateway block; its endpoint is `db.test:5432`. `<<file:ca.pem>>` is its authority. */
  readonly policy: string
  readonly profile: string
  readonly endpoint: string
  readonly secrets?: { readonly [credential: string]: Secret }
  /** The server has a certificate for db.test where nothing else is said. */
  readonly server?: ServerOptions
}

/** A real server, and the real runtime before it in this thread, with everything the policy says. */
export interface PostgresGateway extends AsyncDisposable {
  readonly server: PostgresServer
  readonly pki: Pki
  /** Its agents connect to `port` on 127.0.0.1; what it recorded is in it. */
  readonly gateway: Gateway
  /** For agents: a connection string without user and database. */
  readonly to: string
}

/**
 * Starts both: for tests of sessions that need neither tunnel nor pool.
 * @throws Error naming the problems of the policy
 */
export async function startPostgresGateway(options: PostgresGatewayOptions): Promise<PostgresGateway> {
  const pki = makePki()
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-policy-'))
  let server: PostgresServer | null = null
  try {
    const file = join(dir, 'gateway.hcl')
    writeFileSync(join(dir, 'ca.pem'), pki.ca)
    writeFileSync(
      file,
      `gateway {\n  wireguard {\n    subnet_cidr = "10.55.0.0/24"\n    endpoint    = "127.0.0.1:51820"\n  }\n}\n${options.policy}`,
    )
    const { policy, problems } = await loadPolicy(file, { servable: true })
    const profile = policy?.profiles.get(options.profile as ProfileName)
    const endpoint = profile?.endpoints.find(({ name }) => name === (options.endpoint as EndpointName))
    if (endpoint === undefined) throw new Error(`no such endpoint in the policy: ${JSON.stringify(problems)}`)
    const started = await startServer(options.programs, { certificate: pki.issue('db.test'), ...options.server })
    server = started
    const { cert, key } = pki.issue('db.test', '127.0.0.1')
    const gateway = await startGateway({
      serve: (session) => postgres.serve(session),
      settings: endpoint.settings as PostgresSettings,
      serverPort: started.port,
      certificate: { key, chain: cert, renewAt: 0 },
      rules: endpoint.rules,
      unmatched: endpoint.unmatched,
      credentials: endpoint.credentials,
      secrets: options.secrets ?? {},
      targetName: 'db.test',
    })
    return {
      server: started,
      pki,
      gateway,
      to: `host=db.test hostaddr=127.0.0.1 port=${gateway.port} sslmode=verify-full sslrootcert=${pki.caFile}`,
      async [Symbol.asyncDispose]() {
        await gateway[Symbol.asyncDispose]()
        started[Symbol.dispose]()
        pki[Symbol.dispose]()
      },
    }
  } catch (error) {
    server?.[Symbol.dispose]()
    pki[Symbol.dispose]()
    throw error
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
