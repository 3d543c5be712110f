import type { z } from 'zod'
import type { Value } from './hcl/syntax.ts'
import { didYouMean } from './suggest.ts'

/** What people call a kind of value. */
const words: { readonly [kind in Value['kind']]: string } = {
  string: 'a string',
  bool: 'true or false',
  number: 'a number',
  null: 'null',
  list: 'a list',
  map: 'an object',
  unknown: 'unknown',
}

const wanted: { readonly [expected: string]: string } = {
  string: 'a string',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'an object',
}

/** A schema's objection in the words of the configuration language. */
export function issueMessage(issue: z.core.$ZodIssue, value: Value | null): string {
  const found = value === null ? 'nothing' : words[value.kind]
  switch (issue.code) {
    case 'invalid_type': {
      const want = wanted[issue.expected] ?? issue.expected
      if (value?.kind === 'null') return `must be ${want}, null is not allowed`
      if (issue.expected === 'number' && value?.kind === 'string') return `must be a whole number, not ${quote(value)}`
      if (issue.expected === 'int') return `must be a whole number, not ${quote(value)}`
      if (issue.expected === 'boolean' && value?.kind === 'string') return `must be ${want}, not ${quote(value)}`
      return `must be ${want}, not ${found}`
    }
    case 'invalid_value': {
      const allowed = issue.values.map((each) => JSON.stringify(String(each))).join(' or ')
      return `must be ${allowed}, not ${quote(value)}`
    }
    case 'too_small':
      return `must be at least ${issue.minimum}, not ${quote(value)}`
    case 'too_big':
      return `must be at most ${issue.maximum}, not ${quote(value)}`
    default:
      return issue.message
  }
}

function quote(value: Value | null): string {
  if (value === null) return 'nothing'
  if (value.kind === 'string') return JSON.stringify(value.value.slice(0, 80))
  if (value.kind === 'number' || value.kind === 'bool') return String(value.value)
  return words[value.kind]
}

/** What to write instead of a value of the wrong kind or word. */
export function valueHint(issue: z.core.$ZodIssue, value: Value | null, reference?: string): string | undefined {
  if (issue.code === 'invalid_value' && value?.kind === 'string') {
    return didYouMean(value.value, issue.values.map(String))
  }
  if (issue.code !== 'invalid_type' || issue.expected !== 'array' || value?.kind !== 'string') return undefined
  const [ref] = value.refs ?? []
  if (ref === undefined) return reference === undefined ? `write [${JSON.stringify(value.value)}]` : undefined
  return `write [${ref.type === '' ? ref.kind : ref.type}.${value.value}]`
}
