import { Environment } from 'cel-js'
import { ClawError } from '../contract/errors.ts'
import type { FactSpec, Family } from '../contract/plugin.ts'
import { type ViewClass, viewClass } from './facts.ts'
import { registerFunctions } from './functions.ts'

/** The CEL that rules over some families are written in. */
export interface Dialect {
  readonly environment: Environment
  readonly families: readonly Family[]
  /** Every fact by the path rules write, `http.path`. */
  readonly facts: ReadonlyMap<string, Place>
  /** What stands behind the variable of each family, in their order. */
  readonly views: readonly ViewClass[]
}

/** Where a fact is in the families. */
export interface Place {
  readonly spec: FactSpec
  readonly family: number
  readonly fact: number
}

/** Variables of every rule besides those of its families, with their CEL types. */
export const contextVariables: ReadonlyMap<string, string> = new Map([
  ['profile', 'string'],
  ['device', 'string'],
  ['endpoint', 'string'],
  ['now', 'google.protobuf.Timestamp'],
])

const byList = new WeakMap<readonly Family[], Dialect>()
const byContent = new Map<string, Dialect>()

/**
 * The dialect of these families; made once for the same families.
 * @throws ClawError CP_INTERNAL when a family is called like a variable of every rule
 */
export function dialectOf(families: readonly Family[]): Dialect {
  const known = byList.get(families)
  if (known !== undefined) return known
  const content = JSON.stringify(families)
  const dialect = byContent.get(content) ?? makeDialect(families)
  byContent.set(content, dialect)
  byList.set(families, dialect)
  return dialect
}

function makeDialect(families: readonly Family[]): Dialect {
  // piscina threads have small stacks: deeper conditions would end in a RangeError
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 2000, maxDepth: 64 },
  })
  registerFunctions(environment)
  for (const [name, type] of contextVariables) environment.registerVariable(name, type)
  const hidden = families.find(({ name }) => contextVariables.has(name))
  if (hidden !== undefined)
    throw new ClawError('CP_INTERNAL', `Cannot name a family "${hidden.name}": it is a variable of every rule`)
  const views = families.map(viewClass)
  families.forEach((family, index) => {
    const fields = Object.fromEntries(family.facts.map(({ name, type }) => [name, type]))
    // cel-js needs the class for a type of its own; the instance is made per action, not per rule
    environment.registerType(family.name, { ctor: views[index] as ViewClass, fields })
    environment.registerVariable(family.name, family.name)
  })
  const facts = families.flatMap((family, at) =>
    family.facts.map((spec, fact) => [`${family.name}.${spec.name}`, { spec, family: at, fact }] as const),
  )
  return { environment, families, facts: new Map(facts), views }
}
