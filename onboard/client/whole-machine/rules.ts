import type { RuleChange } from '../journal.ts'
import type { Host } from './host.ts'

/** A rule of the routing policy. */
export type Rule = Omit<RuleChange, 'kind'>

/** Priorities of our rules: replies of this machine come before what leads into a tunnel. */
export const priorities = { direct: '5', ssh: '6', nearby: '8', tunnel: '9' } as const

/** One rule as `ip -j rule` shows it. */
interface ShownRule {
  readonly [field: string]: unknown
}

/** Whether a rule is in force. */
export async function isInForce(host: Host, rule: Rule): Promise<boolean> {
  const shown = JSON.parse(await host.asUser(['ip', '-j', `-${rule.family}`, 'rule', 'show'])) as readonly ShownRule[]
  const wanted = fieldsOf(rule.words)
  return shown.some((each) => isEqual(wanted, each))
}

/** Puts a rule in force. */
export async function addRule(host: Host, { family, words }: Rule): Promise<void> {
  await host.asRoot(['ip', `-${family}`, 'rule', 'add', ...words])
}

/** Takes a rule away; it may be gone already. */
export async function removeRule(host: Host, rule: Rule): Promise<void> {
  // an add that was repeated may have left two
  while (await isInForce(host, rule)) await host.asRoot(['ip', `-${rule.family}`, 'rule', 'del', ...rule.words])
}

function isEqual(wanted: ShownRule, shown: ShownRule): boolean {
  const plain = Object.entries(shown).filter(([name, value]) => !(name === 'src' && value === 'all'))
  const names = Object.keys(wanted)
  return (
    plain.length === names.length &&
    plain.every(([name, value]) => String(wanted[name] ?? '\0') === String(value ?? ''))
  )
}

/** The words of `ip rule add` as `ip -j rule show` would show them. */
function fieldsOf(words: readonly string[]): ShownRule {
  const fields: Record<string, string> = {}
  const names: { readonly [word: string]: string } = {
    from: 'src',
    to: 'dst',
    lookup: 'table',
    suppress_prefixlength: 'suppress_prefixlen',
  }
  let at = 0
  while (at < words.length) {
    const word = words[at] ?? ''
    if (word === 'not') {
      fields.not = ''
      at += 1
      continue
    }
    fields[names[word] ?? word] = words[at + 1] ?? ''
    at += 2
  }
  return fields
}
