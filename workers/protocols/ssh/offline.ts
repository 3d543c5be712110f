import type { Unknown } from '../../contract/action.ts'
import { ClawError } from '../../contract/errors.ts'
import type { OfflineDecoder } from '../../contract/offline.ts'
import { chooseByFields } from '../../upstream/choose-by-fields.ts'
import { type SshFacts, sshFacts, sshVerbs } from './facts.ts'

/** Longest input of a script that rules see, bytes. */
const longestStdin = 1024 * 1024

/** Tells rules of something described that is asked of a server what they would be told of it live. */
export const decodeOffline: OfflineDecoder = ({ ssh, truncated = false, unparseable = false }, { credentials }) => {
  if (ssh === undefined) throw new ClawError('CP_CONFIG', 'Cannot judge the action: the endpoint takes ssh')
  const facts = sshFacts(ssh)
  if (!sshVerbs.some((verb) => verb === facts.verb))
    throw new ClawError('CP_CONFIG', `ssh.verb: ${JSON.stringify(ssh.verb)} is none of ${sshVerbs.join(', ')}`)
  const unknowns: Unknown[] = []
  if (truncated || Buffer.byteLength(facts.stdin) > longestStdin)
    unknowns.push({ path: 'ssh.stdin', because: 'truncated' })
  else if (unparseable) unknowns.push({ path: 'ssh.stdin', because: 'undecodable' })
  const credential = chooseByFields(credentials, { user: ssh.user })?.name ?? null
  return [{ title: titleOf(facts), facts: { ssh: { ...facts } }, unknowns, credential }]
}

function titleOf({ verb, command, subsystem, forward_host, forward_port, user }: SshFacts): string {
  const what = [command, subsystem, forward_host === '' ? '' : `${forward_host}:${forward_port}`].filter(Boolean)
  return [verb, ...what, ...(user === '' ? [] : [`as ${user}`])].join(' ')
}
