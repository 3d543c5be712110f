import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ClawError } from '../../workers/contract/errors.ts'
import { credentialNamed } from '../../workers/credentials/index.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'

/** A policy to start from, with fixtures that show what it decides. */
export interface Pack {
  readonly name: string
  /** First line of its policy. */
  readonly summary: string
  /** Text of `policy.hcl`: endpoints, credentials and rules, no gateway and no profile. */
  readonly policy: string
  /** References to its credentials, `bearer_token.github-token`. */
  readonly credentials: readonly string[]
  /** What its policy says to give `clawpatrol secret set`: a name, or name:slot. */
  readonly secrets: readonly string[]
  /** Whether this version can serve everything in it. */
  readonly isServed: boolean
  /** Texts of its fixtures by file name, in the order of these. */
  readonly fixtures: ReadonlyMap<string, string>
}

/** Names of the packs, in the order they are listed. */
export const packNames = ['github', 'llm', 'postgres', 'clickhouse', 'kubernetes', 'aws', 'ssh'] as const

/**
 * Reads a pack from the examples of this package.
 * @throws ClawError CP_CONFIG when there is none of this name
 */
export function readPack(name: string): Pack {
  if (!packNames.some((known) => known === name))
    throw new ClawError('CP_CONFIG', `There is no pack ${JSON.stringify(name)}`, {
      hint: `known packs: ${packNames.join(', ')}`,
    })
  const folder = new URL(`${name}/`, examplesFolder())
  const policy = readFileSync(new URL('policy.hcl', folder), 'utf8')
  const credentials = labelsOf('credential', policy)
  const served = [
    ...labelsOf('endpoint', policy).map(({ type }) => protocolNamed(type)?.isServed),
    ...credentials.map(({ type }) => credentialNamed(type)?.isServed),
  ]
  return {
    name,
    summary: /^# (.*)/.exec(policy)?.[1] ?? '',
    policy,
    credentials: credentials.map(({ type, name: own }) => `${type}.${own}`),
    secrets: [...policy.matchAll(/^#\s+clawpatrol secret set (\S+)/gm)].map(([, secret = '']) => secret),
    isServed: served.every((each) => each === true),
    fixtures: readFixtures(new URL('fixtures/', folder)),
  }
}

interface Labels {
  readonly type: string
  readonly name: string
}

/** Our own files, written one label after the other: no parser is needed to find blocks. */
function labelsOf(kind: string, policy: string): readonly Labels[] {
  const found = policy.matchAll(new RegExp(`^${kind} "([^"]+)" "([^"]+)"`, 'gm'))
  return [...found].map(([, type = '', name = '']) => ({ type, name }))
}

function readFixtures(folder: URL): ReadonlyMap<string, string> {
  const names = readdirSync(folder).filter((file) => file.endsWith('.json'))
  return new Map(names.sort().map((file) => [file, readFileSync(new URL(file, folder), 'utf8')]))
}

function examplesFolder(): URL {
  // dist/ is one level deeper than the sources
  const found = ['../../examples/', '../../../examples/']
    .map((up) => new URL(up, import.meta.url))
    .find((folder) => existsSync(fileURLToPath(folder)))
  if (found === undefined) throw new ClawError('CP_CONFIG', 'The examples of this package are missing')
  return found
}
