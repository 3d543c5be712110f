import type { TailnetNodeFacts } from '../../onboard/server/ports.ts'

/**
 * Whether a login may let devices in and see to them. Without patterns nobody may.
 * @param user login of a node's owner; null: a tagged node, which never may
 * @param patterns `user@domain`, or `*@domain` for everyone of a domain; case is ignored
 */
export function isOperator(user: string | null, patterns: readonly string[]): boolean {
  const login = user?.trim().toLowerCase() ?? ''
  const [name = '', domain = '', ...more] = login.split('@')
  if (name === '' || domain === '' || more.length > 0) return false
  return patterns.some((pattern) => {
    const wanted = pattern.trim().toLowerCase()
    return wanted === login || wanted === `*@${domain}`
  })
}

/** Whether the owner of a node may: what carries a tag is a machine, whoever set it up. */
export function isOperatorNode({ user, tags }: TailnetNodeFacts, patterns: readonly string[]): boolean {
  return tags.length === 0 && isOperator(user, patterns)
}
