import { exitRoutes } from './offered-routes.ts'

/** What the advice is about. */
export interface AclFacts {
  /** The gateway's own node. */
  readonly gateway: { readonly name: string; readonly tags: readonly string[]; readonly addresses: readonly string[] }
  /** What devices are tagged with. */
  readonly clientTags: readonly string[]
  /** Prefixes it offers. */
  readonly routes: readonly string[]
  /** Where devices reach the gateway's own API. */
  readonly port: number
  readonly funnel: boolean
}

/** What to paste into the access controls of the tailnet so that devices can go out through the gateway. */
export function aclAdvice(facts: AclFacts): string {
  const { gateway, clientTags, port, funnel } = facts
  const own = gateway.tags.length > 0 ? gateway.tags : gateway.addresses
  const inner = facts.routes.filter((route) => !exitRoutes.includes(route))
  const owned = [...new Set([...clientTags, ...gateway.tags])]
  const grant = (dst: readonly string[], ip: readonly string[]) =>
    `{ "src": ${list(clientTags)}, "dst": ${list(dst)}, "ip": ${list(ip)} }`
  const sections = [
    section(
      'tagOwners',
      '{}',
      owned.map((tag) => `${quote(tag)}: ["autogroup:admin"]`),
    ),
    ...(gateway.tags.length === 0 ? [] : [approvers(gateway.tags, inner)]),
    section('grants', '[]', [
      grant(['autogroup:internet'], ['*']),
      ...(inner.length === 0 ? [] : [grant(inner, ['*'])]),
      grant(own, ['tcp:53', 'udp:53', `tcp:${port}`]),
    ]),
    ...(funnel ? [section('nodeAttrs', '[]', [`{ "target": ${list(own)}, "attr": ["funnel"] }`])] : []),
  ]
  return [
    `${gateway.name} may not be an exit node yet, so nothing devices send through it arrives.`,
    gateway.tags.length === 0
      ? `It has no tag: approve its routes by hand (admin console, Machines, ${gateway.name}, Edit route settings), or join it with a tagged key.`
      : 'Approve its routes by hand (admin console, Machines, Edit route settings), or have it done by the access controls.',
    'Merge this into the access controls, then restart the gateway: routes are approved when they are announced.',
    '',
    '{',
    sections.join(',\n'),
    '}',
    '',
    'An OAuth client with the scopes auth_keys, devices:core and devices:routes lets the gateway approve them itself.',
  ].join('\n')
}

function approvers(tags: readonly string[], routes: readonly string[]): string {
  const inner = routes.map((route) => `      ${quote(route)}: ${list(tags)}`)
  const byRoute = inner.length === 0 ? [] : [`"routes": {\n${inner.join(',\n')}\n    }`]
  return section('autoApprovers', '{}', [`"exitNode": ${list(tags)}`, ...byRoute])
}

function section(name: string, brackets: '{}' | '[]', entries: readonly string[]): string {
  const [open, close] = brackets
  return `  ${quote(name)}: ${open}\n${entries.map((entry) => `    ${entry}`).join(',\n')}\n  ${close}`
}

function list(values: readonly string[]): string {
  return `[${values.map(quote).join(', ')}]`
}

function quote(value: string): string {
  return JSON.stringify(value)
}
