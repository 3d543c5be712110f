import { ClawError } from '../../contract/errors.ts'
import type { Secret } from '../../contract/messages.ts'
import type { Session } from '../../contract/plugin.ts'
import type { CredentialUse } from '../../contract/profile.ts'
import { fillsLogin, fillsTls, loginOf, tlsMaterial } from '../../upstream/inject.ts'
import type { PostgresSettings } from './definition.ts'
import type { AgentStartup } from './startup.ts'
import type { ClientCertificate } from './upstream-tls.ts'

/** As whom a session is opened. */
export interface Identity {
  readonly user: string
  readonly database: string
  /** null: there is none to give. */
  readonly password: string | null
  readonly certificate: ClientCertificate | null
}

type PostgresSession = Session<PostgresSettings>

/**
 * The identity of a session: the credential's user where it is a login, else the agent's own; with it the endpoint's
 * client certificate, where exactly one is bound.
 * @throws ClawError CP_SECRET when a secret is missing
 */
export async function identityOf(
  session: PostgresSession,
  startup: Pick<AgentStartup, 'user' | 'database' | 'parameters'>,
  use: CredentialUse | null,
): Promise<Identity> {
  const login = use === null || !fillsLogin(use) ? null : loginOf(use, await secretOf(session, use))
  return {
    user: login?.user ?? startup.user,
    database: startup.parameters.get('database') ? startup.database : (use?.disambiguator.database ?? startup.database),
    password: login?.password ?? null,
    certificate: await certificateOf(session),
  }
}

/**
 * The client certificate for connections to the endpoint; null: none is bound.
 * @throws ClawError CP_SECRET when its secret is missing, or it cannot be told which one to show
 */
export async function certificateOf(session: PostgresSession): Promise<ClientCertificate | null> {
  const bound = session.endpoint()?.credentials.filter(fillsTls) ?? []
  const [use] = bound
  if (use === undefined) return null
  if (bound.length > 1)
    throw new ClawError(
      'CP_SECRET',
      'the endpoint has more than one client certificate and it cannot be told which one',
    )
  return tlsMaterial(use, await secretOf(session, use))
}

async function secretOf(session: PostgresSession, use: CredentialUse): Promise<Secret> {
  const secret = await session.secret(use)
  if (secret !== null) return secret
  throw new ClawError('CP_SECRET', `no secret is stored for credential "${use.name}"`, {
    hint: `run clawpatrol secret set ${use.name}`,
  })
}
