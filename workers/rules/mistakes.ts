import type { Dialect } from './dialect.ts'
import { isFamily, type Parsed } from './parse.ts'
import { counterOf } from './rates.ts'
import { checkPattern } from './regex.ts'
import { comprehensionOf, literalOf, pathOf, type SyntaxNode, walk } from './syntax.ts'
import { checkZone, timestampOf } from './timestamps.ts'

/** What is wrong with a place of a condition; offsets count UTF-16 units. */
export interface Mistake {
  readonly message: string
  readonly start: number
  readonly end: number
}

const deepestLoops = 2

/** Checks the types of what has been parsed; afterwards, when nothing is wrong, it can run. */
export function mistakesIn(parsed: Parsed, source: string, dialect: Dialect): readonly Mistake[] {
  const seen: Mistake[] = []
  walk(parsed.tree, (node, loops) => {
    for (const message of mistakesOf(node, loops, dialect)) seen.push({ message, start: node.start, end: node.end })
    const missing = missingMember(node, dialect)
    if (missing !== null) seen.push({ message: missing, start: node.pos, end: node.end })
  })
  const result = parsed.check()
  if ('error' in result) {
    const mistake = mistakeOf(result.error, source, dialect)
    // a missing field is told by both
    const isTold = seen.some(({ end }) => end === mistake.end)
    return isTold ? seen : [...seen, mistake]
  }
  const whole = { start: 0, end: source.length }
  const found = [...seen, ...indexMistakes(parsed.tree)]
  if (result.type === 'bool') return found
  const hint = result.type === 'dyn' ? ': compare it with something' : ''
  return [...found, { message: `the condition is ${article(result.type)}, not a bool${hint}`, ...whole }]
}

function article(type: string): string {
  return type === 'dyn' ? 'a value of unknown type' : /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}

/** cel-js lets any type index a map; a key of another type is never there. */
function indexMistakes(tree: SyntaxNode): Mistake[] {
  const found: Mistake[] = []
  walk(tree, (node) => {
    if (node.op !== '[]') return
    const key = node.left?.checkedType?.kind === 'map' ? node.left.checkedType.keyType : undefined
    const given = node.right?.checkedType
    if (key === undefined || given === undefined || key.kind === 'dyn' || given.kind === 'dyn') return
    if (key.kind === 'param' || key.name === given.name) return
    const message = `the keys of this map are ${key.name}, not ${given.name}`
    found.push({ message, start: node.right?.start ?? node.start, end: node.right?.end ?? node.end })
  })
  return found
}

/** Puts what cel-js says into our words. */
export function mistakeOf(error: unknown, source: string, dialect: Dialect): Mistake {
  const { code, summary, range } = error as { code?: string; summary?: string; range?: { start: number; end: number } }
  const start = Math.min(range?.start ?? 0, source.length)
  const place = { start, end: Math.max(start, Math.min(range?.end ?? source.length, source.length)) }
  if (error instanceof RangeError || code === 'limit_exceeded') {
    return { message: 'the condition is too deep or too long', ...place }
  }
  if (typeof summary !== 'string') return { message: error instanceof Error ? error.message : String(error), ...place }
  return { message: inWords(code, summary, dialect), ...place }
}

function inWords(code: string | undefined, summary: string, { families }: Dialect): string {
  const plain = summary.replaceAll('__', '')
  const words = plain.charAt(0).toLowerCase() + plain.slice(1)
  return code === 'unknown_variable'
    ? `${words}; rules here read ${families.map(({ name }) => name).join(' and ')}`
    : words
}

/** cel-js does not look at what is inside `has()`, so members are looked up here. */
function missingMember(node: SyntaxNode, { families, facts }: Dialect): string | null {
  const path = pathOf(node)
  const [name, member] = path?.split('.', 2) ?? []
  const family = families.find((each) => each.name === name)
  if (family === undefined || path === null || facts.has(path)) return null
  return `${family.name} has no field ${member}; it has ${family.facts.map((fact) => fact.name).join(', ')}`
}

function* mistakesOf(node: SyntaxNode, loops: number, dialect: Dialect): Iterable<string> {
  const loop = comprehensionOf(node)
  if (loop !== null) {
    if (loops >= deepestLoops) yield `all, exists, map and filter can be nested ${deepestLoops} deep at most`
    if (dialect.environment.hasVariable(loop.iterVarName)) {
      yield `the iteration variable hides ${loop.iterVarName}: give it another name`
    }
  }
  if (node.op === '[]') {
    const [target] = node.args as [SyntaxNode, SyntaxNode]
    if (target.op === 'id' && isFamily(target.args, dialect)) yield `write ${String(target.args)}.NAME, not an index`
  }
  const counter = counterOf(node)
  if (typeof counter === 'string') yield counter
  if (node.op !== 'rcall' && node.op !== 'call') return
  const [name, ...rest] = node.args as [string, ...unknown[]]
  const target = rest[0] as SyntaxNode
  if (name === 'bind' && node.op === 'rcall' && target.op === 'id' && target.args === 'cel') {
    yield 'cel.bind is not part of this language'
  }
  const pattern = name === '__matches' ? literalOf((rest.at(-1) as SyntaxNode[]).at(-1)) : undefined
  if (typeof pattern === 'string') yield* patternMistakes(pattern)
  yield* timeMistakes(node, dialect)
}

/** A moment, a span or a zone that is written down can be looked at before any action. */
function* timeMistakes({ op, args }: SyntaxNode, { environment }: Dialect): Iterable<string> {
  const [name, ...rest] = args as [string, ...unknown[]]
  const text = literalOf((rest.at(-1) as SyntaxNode[])[0])
  if (typeof text !== 'string') return
  try {
    if (op === 'call' && name === '__timestamp') timestampOf(text)
    else if (op === 'call' && name === 'duration') environment.evaluate(`duration(${JSON.stringify(text)})`)
    else if (op === 'rcall' && name.startsWith('__get')) checkZone(text)
  } catch (error) {
    if (name === 'duration') yield `'${text}' is not a duration: write it like '10m' or '1h30m'`
    else yield `'${text}': ${(error as Error).message}`
  }
}

function* patternMistakes(pattern: string): Iterable<string> {
  try {
    checkPattern(pattern)
  } catch (error) {
    yield `bad regular expression: ${(error as Error).message.replace(/^error parsing regexp: /, '')}`
  }
}
