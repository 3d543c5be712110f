/**
 * Where an attribute belongs that stands in a block which has none of that name.
 * @param title what messages call the block: `rule "a"`
 */
export function placeHint(name: string, title: string): string | undefined {
  const [kind = ''] = title.split(' ', 1)
  if (kind === 'credential' && /^(token|secret|key|value|password|api_?key|access_token)$/.test(name))
    return `no secret stands in a configuration: store it with clawpatrol secret set ${title.slice(kind.length + 1).replaceAll('"', '')}`
  const home = homes.get(name)
  return home === undefined || home.in.includes(kind) ? undefined : home.hint
}

const homes: ReadonlyMap<string, { readonly in: readonly string[]; readonly hint: string }> = new Map([
  ['unmatched', { in: ['defaults', 'endpoint'], hint: 'it belongs in defaults or in an endpoint' }],
  ['unknown_host', { in: ['defaults'], hint: 'it belongs in defaults' }],
  ['human_timeout', { in: ['defaults'], hint: 'it belongs in defaults' }],
  ['public_url', { in: ['gateway'], hint: 'it belongs in gateway' }],
  ['state_dir', { in: ['gateway', 'tunnel'], hint: 'it belongs in gateway' }],
  ['hosts', { in: ['endpoint'], hint: 'it belongs in an endpoint' }],
  ['condition', { in: ['rule'], hint: 'it belongs in a rule' }],
  ['verdict', { in: ['rule'], hint: 'it belongs in a rule' }],
])
