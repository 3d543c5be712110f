import type { CredentialUse } from '../../../contract/profile.ts'
import { chooseByFields } from '../../../upstream/choose-by-fields.ts'
import type { HeaderList } from '../../../wire/http/header-list.ts'
import { parameterOf, type UrlParameters, utf8 } from './url-parameters.ts'

/** Where an agent says who it is. */
export interface LoginPlaces {
  readonly headers: HeaderList
  readonly parameters: UrlParameters
}

/** Fields of a request in which somebody logs in to the server; lower case. */
export const loginFields: ReadonlySet<string> = new Set([
  'authorization',
  'x-clickhouse-user',
  'x-clickhouse-key',
  'x-clickhouse-ssl-certificate-auth',
])

/** Parameters in which somebody logs in. */
export const loginParameters: ReadonlySet<string> = new Set(['user', 'password'])

/** Picks the credential a request goes out with, by user, database, or a placeholder wherever a login may stand. */
export function chooseLogin(
  credentials: readonly CredentialUse[],
  { database, ...places }: LoginPlaces & { readonly database: string | undefined },
): CredentialUse | null {
  const { headers, parameters } = places
  const texts = [
    ...[...loginFields].flatMap((name) => headers.all(name)),
    ...headers.all('authorization').flatMap((value) => basicPair(value) ?? []),
    ...[...loginParameters].map((name) => parameterOf(parameters, name) ?? ''),
  ]
  const placeholder = placeholderIn(texts, credentials)
  return chooseByFields(credentials, { user: agentUser(places), database, placeholder })
}

/** Who the agent says it is; undefined: it does not, or in different ways. */
export function agentUser({ headers, parameters }: LoginPlaces): string | undefined {
  const pairs = headers.all('authorization').map(basicPair)
  const named = [
    ...headers.all('x-clickhouse-user'),
    ...pairs.map((pair) => pair?.[0]),
    parameterOf(parameters, 'user'),
  ].filter((user) => user !== undefined)
  const [user, ...others] = new Set(named.map((name) => utf8(name) ?? name))
  return others.length === 0 ? user : undefined
}

/** The longest placeholder in the texts, PH_live is also in PH_live_2; undefined: none, or different ones. */
function placeholderIn(texts: readonly string[], credentials: readonly CredentialUse[]): string | undefined {
  const known = credentials.flatMap(({ disambiguator: { placeholder = '' } }) =>
    placeholder === '' ? [] : [placeholder],
  )
  const named = known.filter((placeholder) => texts.some((text) => text.includes(placeholder)))
  const meant = named.filter((one) => !named.some((other) => other !== one && other.includes(one)))
  return new Set(meant).size === 1 ? meant[0] : undefined
}

/** User and password of a Basic field; null: it is none. */
function basicPair(value: string): readonly [user: string, password: string] | null {
  const found = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(value)
  if (found === null) return null
  const text = Buffer.from(found[1] ?? '', 'base64').toString('latin1')
  const colon = text.indexOf(':')
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
}
