import { asList, asNode, type Node, nameParts, nodesIn, textOf, unwrap } from './node.ts'

/** Which rows meet a condition: all, none, all or none (it is not computed which), or as each row has it. */
type Truth = 'always' | 'never' | 'constant' | 'by row'

/** Whether an UPDATE or DELETE with this WHERE spares no row: none written, or one that says nothing of the row. */
export function isUnqualified(condition: unknown): boolean {
  return condition === undefined || ['always', 'constant'].includes(truthOf(condition))
}

/** Whether a MERGE may update or delete every row there is. */
export function isMergeUnqualified(node: Node): boolean {
  const joinsAll = isUnqualified(node.joinCondition)
  return asList(node.mergeWhenClauses).some((item) => {
    const clause = unwrap(item, 'MergeWhenClause')
    if (clause === null || !['CMD_UPDATE', 'CMD_DELETE'].includes(String(clause.commandType))) return false
    // what the source lacks is all there is when the source is empty
    const reachesAll = clause.matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE' || joinsAll
    return reachesAll && isUnqualified(clause.condition)
  })
}

function truthOf(value: unknown): Truth {
  const node = asNode(value)
  const boolean = unwrap(node, 'BoolExpr')
  if (boolean !== null) return truthOfBoolean(boolean)
  const test = unwrap(node, 'BooleanTest')
  if (test !== null && test.booltesttype === 'IS_TRUE') return truthOf(test.arg)
  const comparison = unwrap(node, 'A_Expr')
  const compared = comparison === null ? null : truthOfComparison(comparison)
  if (compared !== null) return compared
  const constant = literal(value)
  if (constant !== null) return truthOfWord.get(constant.toLowerCase()) ?? 'constant'
  return namesRow(value) ? 'by row' : 'constant'
}

function truthOfBoolean({ boolop, args }: Node): Truth {
  const truths = asList(args).map(truthOf)
  if (boolop === 'NOT_EXPR') return opposite[truths[0] ?? 'by row']
  const order = boolop === 'OR_EXPR' ? strongestOfOr : strongestOfAnd
  return order.find((truth) => truths.includes(truth)) ?? 'by row'
}

const strongestOfOr: readonly Truth[] = ['always', 'constant', 'by row', 'never']
const strongestOfAnd: readonly Truth[] = ['never', 'by row', 'constant', 'always']

const opposite: { readonly [truth in Truth]: Truth } = {
  always: 'never',
  never: 'always',
  constant: 'constant',
  'by row': 'by row',
}

/** What a comparison of two constants, or of something with itself, comes to; null for any other. */
function truthOfComparison({ kind, name, lexpr, rexpr }: Node): Truth | null {
  const operator = nameParts(name)?.at(-1) ?? ''
  const [left, right] = [plainConstant(lexpr), plainConstant(rexpr)]
  if (kind === 'AEXPR_OP' && left !== null && typeof left === typeof right) {
    if (operator === '=') return left === right ? 'always' : 'never'
    return operator === '<>' && left === right ? 'never' : null
  }
  if (kind === 'AEXPR_IN') {
    return operator === '=' && asList(rexpr).some((item) => isSame(lexpr, item)) ? 'always' : null
  }
  const isSameColumn = isSame(lexpr, rexpr)
  if (kind === 'AEXPR_DISTINCT' || (kind === 'AEXPR_OP' && ['<>', '<', '>'].includes(operator))) {
    return isSameColumn ? 'never' : null
  }
  const isEqual = kind === 'AEXPR_NOT_DISTINCT' || (kind === 'AEXPR_OP' && ['=', '<=', '>='].includes(operator))
  if (isEqual && isSameColumn) return 'always'
  // not for sure: random() is not random()
  return isEqual && shapeOf(lexpr) === shapeOf(rexpr) ? 'constant' : null
}

/** An expression without where it stands in the text: `(a, b)` is `( a,b )`. */
function shapeOf(value: unknown): string {
  return JSON.stringify(value, (key, member: unknown) => (key === 'location' ? undefined : member)) ?? ''
}

/** An integer or a text as written; null for anything else: 1 is 1.0, and a cast may change what it is. */
function plainConstant(value: unknown): number | string | null {
  const integer = asNode(unwrap(value, 'A_Const')?.ival)
  if (integer !== null) return typeof integer.ival === 'number' ? integer.ival : 0
  return unwrap(value, 'A_Const') === null ? null : textOf(value)
}

/** A constant as text, through casts; null for anything else. NULL meets no condition, as `false` does. */
function literal(value: unknown): string | null {
  const cast = unwrap(value, 'TypeCast')
  if (cast !== null) return literal(cast.arg)
  const constant = unwrap(value, 'A_Const')
  if (constant === null) return null
  if (constant.isnull === true) return 'false'
  const integer = asNode(constant.ival)
  if (integer !== null) return String(integer.ival ?? 0)
  const boolean = asNode(constant.boolval)
  if (boolean !== null) return String(boolean.boolval === true)
  const text = asNode(constant.sval)?.sval ?? asNode(constant.fval)?.fval ?? asNode(constant.bsval)?.bsval
  return typeof text === 'string' ? text : ''
}

/** Constants as conditions; any other may be one too, or an error. */
const truthOfWord: ReadonlyMap<string, Truth> = new Map([
  ['true', 'always'],
  ['t', 'always'],
  ['false', 'never'],
  ['f', 'never'],
  ['0', 'never'],
])

/** Whether both say the same column: `t.id` and `id` do. */
function isSame(left: unknown, right: unknown): boolean {
  const [a, b] = [columnOf(left), columnOf(right)]
  if (a === null || b === null) return false
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  const tail = long.slice(long.length - short.length)
  return short.every((part, index) => part === tail[index])
}

function columnOf(value: unknown): readonly string[] | null {
  return nameParts(unwrap(value, 'ColumnRef')?.fields)
}

/** Whether a column, or the row a cursor stands on, is named anywhere in there. */
function namesRow(value: unknown): boolean {
  for (const [key, node] of nodesIn(value)) {
    if (key === 'CurrentOfExpr') return true
    // `*` alone is what a subquery gives
    if (key === 'ColumnRef' && (nameParts(node.fields) !== null || asList(node.fields).length > 1)) return true
  }
  return false
}
