import { ClawError } from '../../workers/contract/errors.ts'

/** A node of the tailnet as far as finding the gateway needs it. */
export interface Candidate {
  readonly stableId: string
  /** Full name in the tailnet. */
  readonly name: string
  readonly hostname: string
  readonly addresses: readonly string[]
  readonly online: boolean
  /** null for nodes with tags. */
  readonly user: string | null
  readonly tags: readonly string[]
}

/**
 * Finds the gateway among the nodes one may see.
 * @param wanted its first name, which the tailnet may have made unique (`gateway-1`); its full name, or an address
 * @throws ClawError CP_ONBOARD when there is none, it is away, or there is more than one it could be
 */
export function findGateway<C extends Candidate>(nodes: readonly C[], wanted: string): C {
  const found = nodes.filter((node) => isMeant(node, wanted.toLowerCase().replace(/\.$/, '')))
  // a name that is made unique is mostly so because the node that had it before is gone
  const here = found.filter(({ online }) => online)
  const [first] = here
  if (first !== undefined && here.length === 1) return first
  if (first !== undefined)
    throw new ClawError('CP_ONBOARD', `More than one node may be the gateway ${quoted(wanted)}: ${listed(here)}`, {
      hint: 'say which with its full name: --name <name>',
    })
  if (found.length > 0)
    throw new ClawError('CP_ONBOARD', `The gateway is not connected to its tailnet: ${listed(found)}`, {
      hint: 'is it running?',
    })
  throw new ClawError('CP_ONBOARD', `No node named ${quoted(wanted)} is visible to you in the tailnet`, {
    hint: "--name takes the gateway's hostname; the tailnet's ACL has to let you reach it, and the account must be of its tailnet",
  })
}

/** A node as people tell it from others. */
export function describeNode({ name, addresses, user, tags }: Candidate): string {
  const more = [addresses[0] ?? '', user ?? tags.join(', ')].filter((part) => part !== '')
  return more.length === 0 ? name : `${name} (${more.join(', ')})`
}

function isMeant({ name, hostname, addresses }: Candidate, wanted: string): boolean {
  if (addresses.includes(wanted) || name.toLowerCase() === wanted) return true
  if (wanted.includes('.') || wanted.includes(':')) return false
  const first = name.toLowerCase().split('.')[0] ?? ''
  return [first, hostname.toLowerCase()].some((label) => unnumbered(label, wanted) === wanted)
}

/** A label without the number that made it unique. */
function unnumbered(label: string, wanted: string): string {
  const rest = label.startsWith(wanted) ? label.slice(wanted.length) : null
  return rest !== null && /^-\d{1,4}$/.test(rest) ? wanted : label
}

function listed(nodes: readonly Candidate[]): string {
  return nodes
    .map(describeNode)
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
    .join(', ')
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
