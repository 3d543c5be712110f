import { serialize } from 'cel-js'
import type { RuleName } from '../contract/ids.ts'
import type { RuleSet } from './compile.ts'
import { compileCondition, evaluate, type Truth } from './evaluate.ts'
import { type FactView, viewFacts } from './facts.ts'
import { type Judgeable, type Trial, tryRule } from './judge.ts'
import { parseCondition } from './parse.ts'
import type { SyntaxNode } from './syntax.ts'

/** Why one rule did or did not decide an action, for the operator. */
export interface Explanation {
  readonly rule: RuleName
  readonly result: 'matched' | 'no match' | 'unevaluable' | 'not reached'
  /** Which part of the condition made it so, and the facts it read. Text up to 80 characters is quoted. */
  readonly because: string
}

const longestQuote = 80

/** Tries every rule in order without the index, until one decides. */
export function explain(set: RuleSet, action: Judgeable): readonly Explanation[] {
  const facts = viewFacts(set.dialect, action)
  let decidedBy: RuleName | null = null
  return set.rules.map((rule, number) => {
    if (decidedBy !== null) {
      return { rule: rule.name, result: 'not reached', because: `rule "${decidedBy}" decided before it` }
    }
    const trial = { rule, facts, credential: action.credential }
    const truth = tryRule(set, number, trial)
    if (truth !== false) decidedBy = rule.name
    return { rule: rule.name, result: resultOf(truth), because: reasonFor(set, trial, truth) }
  })
}

function resultOf(truth: Truth): Explanation['result'] {
  return truth === true ? 'matched' : truth === false ? 'no match' : 'unevaluable'
}

function reasonFor(set: RuleSet, { rule, facts, credential }: Trial, truth: Truth): string {
  if (rule.credential !== null && rule.credential !== credential) {
    const used = credential === null ? 'none' : `"${credential}"`
    return `it is for the credential "${rule.credential}"; the action uses ${used}`
  }
  if (rule.when === null) return 'it has no condition'
  const part = truth === true ? rule.when : decisivePart(set, rule.when, facts, truth)
  const verb = typeof truth === 'boolean' ? `is ${truth}` : `cannot be evaluated (${truth})`
  const read = factsIn(set, part, facts)
  return `${part.trim()} ${verb}${read === '' ? '' : `: ${read}`}`
}

/** The first operand of the outermost `&&` that has the truth of the whole; the whole when there is none. */
function decisivePart(set: RuleSet, source: string, facts: FactView, truth: Truth): string {
  try {
    const tree = set.dialect.environment.parse(source).ast as unknown as SyntaxNode
    const parts = conjuncts(tree).map((node) => serialize(node as unknown as Parameters<typeof serialize>[0]))
    if (parts.length === 1) return source
    return parts.find((part) => evaluate(compileCondition(part, set.dialect), facts) === truth) ?? source
  } catch {
    return source
  }
}

function conjuncts(node: SyntaxNode): readonly SyntaxNode[] {
  return node.op === '&&' ? (node.args as SyntaxNode[]).flatMap(conjuncts) : [node]
}

function factsIn(set: RuleSet, source: string, facts: FactView): string {
  try {
    const { reads } = parseCondition(source, set.dialect)
    return [...reads].map((path) => `${path} ${inWords(facts.peek(path))}`).join(', ')
  } catch {
    return ''
  }
}

/** Keys of maps are told, values are not: headers may hold what is nobody's business. */
function inWords(value: unknown): string {
  if (value === undefined) return 'is unknown'
  if (typeof value === 'string') {
    return value.length > longestQuote ? `has ${value.length} characters` : `is ${JSON.stringify(value)}`
  }
  if (Array.isArray(value)) return `is a list of ${value.length}`
  if (typeof value !== 'object' || value === null) return `is ${String(value)}`
  const keys = value instanceof Map ? [...value.keys()].map(String) : Object.keys(value)
  if (keys.length === 0) return 'is empty'
  const shown = keys.slice(0, 10).map((key) => JSON.stringify(key.slice(0, longestQuote)))
  return `has the keys ${shown.join(', ')}${keys.length > shown.length ? ', …' : ''}`
}
