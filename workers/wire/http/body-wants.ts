import type { Endpoint } from '../../contract/profile.ts'

/** What rules of an endpoint ask of bodies. */
export interface BodyWants {
  readonly body: boolean
  readonly json: boolean
}

const known = new WeakMap<Endpoint['rules'], BodyWants>()

/** By the text of the conditions: a rule that reads it in a way not foreseen here gets an error, and denies. */
export function wantsOf({ rules }: Endpoint): BodyWants {
  const found = known.get(rules)
  if (found !== undefined) return found
  const conditions = rules.map(({ when }) => when ?? '')
  const wants = {
    body: conditions.some((when) => when.includes('body')),
    json: conditions.some((when) => when.includes('body_json')),
  }
  known.set(rules, wants)
  return wants
}
